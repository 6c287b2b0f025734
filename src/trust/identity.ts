import type { CertificateIdentity } from "../attestation/identity.ts";
import type { Builder, GitHubBuilder } from "./builder.ts";
import { certificateFailure } from "./certificate-signer.ts";
import type { RefusalCode } from "./finding.ts";
import { isRenamed, type SignerFailure, workflowFailure } from "./github-signer.ts";
import type { Policy } from "./policy.ts";
import type { VerifiedStatement } from "./ports.ts";
import { isSameRepository, repositoryPath } from "./repository-uri.ts";

/** What policy makes of a signer, for one image name. */
export type Acceptance =
  | Accepted
  | {
      readonly kind: "refused";
      readonly code: RefusalCode;
      readonly reason: string;
      /** The entry that got furthest; undefined where none is for such images. */
      readonly policyPath?: string;
    };

interface Accepted extends AcceptingEntry {
  readonly kind: "accepted";
  /** Further entries that accept a key: which of them is meant, only the provenance that it signed can tell (RULES R10). */
  readonly others: readonly AcceptingEntry[];
}

/** An entry of the policy that accepts a signer. */
interface AcceptingEntry {
  readonly builder: Builder;
  /** What policy grants, before the evidence of the build itself is looked at. */
  readonly level: number;
  readonly warnings: readonly string[];
  /** The `{names}` of the image's name, as this entry's pattern captured them. */
  readonly captures: Readonly<Record<string, string>>;
}

/** A level without numeric ids: names can change hands (RULES R8). */
const LEVEL_WITHOUT_IDS = 1;
/** A level where nobody but the owner of the source is known to stand behind the build (RULES R29). */
const LEVEL_NOT_ISOLATED = 2;

/**
 * Whether policy takes this signer's word for images of this name (RULES R4–R9).
 *
 * Every builder of the policy that speaks for the name is tried. Of several that accept, one that builds counts first (RULES R11),
 * then the one that grants most; their order in the file is without effect. If none accepts, the refusal told is that of the builder
 * that got furthest: it is the likeliest to have been meant.
 *
 * @param name - registry/repository, as the walk names the image; names inside statements prove nothing.
 * @param isDefaultBranch - Whether the certificate's ref is the source's default branch; undefined if that isn't known.
 */
export function accepts(
  policy: Policy,
  name: string,
  verified: VerifiedStatement,
  isDefaultBranch?: boolean,
): Acceptance {
  const accepting: AcceptingEntry[] = [];
  let best: (SignerFailure & { readonly policyPath: string }) | undefined;
  for (const builder of policy.builders) {
    for (const pattern of builder.images) {
      const captures = pattern.match(name);
      if (captures === undefined) continue;
      const failure = failureOf(verified, builder, captures, isDefaultBranch);
      if (failure === undefined) {
        accepting.push({ builder, captures, ...levelOf(builder, verified, captures) });
      } else if (best === undefined || failure.depth > best.depth) best = { ...failure, policyPath: builder.path };
    }
  }
  const [accepted, ...rest] = accepting.toSorted((a, b) => (isBetter(a, b) ? -1 : isBetter(b, a) ? 1 : 0));
  // What builds isn't said by one entry and the source by another.
  const others = rest.filter(({ builder }) => builder.kind === "key" && builder.builds === accepted?.builder.builds);
  if (accepted !== undefined) return { kind: "accepted", ...accepted, others };
  if (best !== undefined) {
    const { code, reason, policyPath } = best;
    return { kind: "refused", code, reason, policyPath };
  }
  return { kind: "refused", code: "no-builder", reason: `${policy.name} names nobody who may speak for ${name}` };
}

function isBetter(a: AcceptingEntry, b: AcceptingEntry): boolean {
  return a.builder.builds === b.builder.builds ? a.level > b.level : a.builder.builds;
}

/** Each kind of entry takes signers of its own kind alone: a key can't claim what only an authority can vouch for. */
function failureOf(
  { identity }: VerifiedStatement,
  builder: Builder,
  captures: Readonly<Record<string, string>>,
  isDefaultBranch: boolean | undefined,
): SignerFailure | undefined {
  const otherKind = (signed: string, wanted: string): SignerFailure => ({
    code: "signer-kind",
    reason: `signed by ${signed}, and ${builder.path} accepts ${wanted}`,
    depth: -1,
  });
  switch (builder.kind) {
    case "github":
      if (identity.kind === "key") return otherKind("a key", "a workflow only");
      return workflowFailure(identity, builder, captures, isDefaultBranch);
    case "certificate":
      if (identity.kind === "key") return otherKind("a key", "a certificate only");
      return certificateFailure(identity, builder, captures);
    case "key":
      if (identity.kind === "certificate") return otherKind("a certificate's holder", "a key only");
      if (identity.fingerprint === builder.key.fingerprint) return undefined;
      return {
        code: "key",
        reason: `signed by the key ${identity.fingerprint}, policy wants ${builder.key.fingerprint}`,
        depth: 0,
      };
  }
}

function levelOf(
  builder: Builder,
  { identity }: VerifiedStatement,
  captures: Readonly<Record<string, string>>,
): { readonly level: number; readonly warnings: readonly string[] } {
  const ofWorkflow = builder.kind === "github" && identity.kind === "certificate" ? { identity, builder } : undefined;
  const caps: number[] = [];
  const warnings: string[] = [];
  if (namesWithoutIds(builder)) {
    caps.push(LEVEL_WITHOUT_IDS);
    warnings.push(
      `${builder.path} names its source without repository-id or owner-id: level ${LEVEL_WITHOUT_IDS} at most, because names can change hands`,
    );
  }
  if (ofWorkflow === undefined || !isIsolatedWorkflow(ofWorkflow.identity, ofWorkflow.builder))
    caps.push(LEVEL_NOT_ISOLATED);
  if (ofWorkflow !== undefined && isRenamed(ofWorkflow.identity.extensions, ofWorkflow.builder, captures)) {
    const { sourceRepositoryUri, sourceRepositoryIdentifier } = ofWorkflow.identity.extensions;
    warnings.push(
      `${builder.path} knows repository ${sourceRepositoryIdentifier} by another name: it is ${sourceRepositoryUri} in the certificate; name it so in the policy`,
    );
  }
  return { level: Math.min(builder.level, ...caps), warnings };
}

/** Whether a builder names its source by a name alone (RULES R8). The source of a key isn't in any certificate; whether the build's own record shows one caps the level elsewhere (RULES R10). */
export function namesWithoutIds(builder: Builder): boolean {
  const { source } = builder;
  if (builder.kind === "key" || source === undefined || typeof source === "string") return false;
  if ("kind" in source && source.kind === "owner") return false;
  return source.repositoryId === undefined && source.ownerId === undefined;
}

/** Whether whoever owns the source can't have changed the workflow that built it, nor the machine that it ran on (RULES R29). */
function isIsolatedWorkflow({ extensions }: CertificateIdentity, { server }: GitHubBuilder): boolean {
  const signerRepository = extensions.buildSignerUri?.split("/.github/workflows/")[0] ?? "";
  return (
    repositoryPath(signerRepository, server) !== undefined &&
    !isSameRepository(signerRepository, extensions.sourceRepositoryUri ?? "", server) &&
    extensions.runnerEnvironment === "github-hosted"
  );
}
