import { parseReference } from "../image/reference.ts";
import { ancestryOfFinding, walkAncestry } from "../trust/ancestry.ts";
import { afterTagMoved } from "../trust/image-tags.ts";
import type { OwnBuild } from "../trust/own-build.ts";
import { parsePolicy } from "../trust/policy.ts";
import { judge } from "../trust/verdict.ts";
import type { Build, Run } from "./build.ts";
import type { Judgement, OpenWalk, PolicyReader, PolicyText, StoredPolicies, TagReader } from "./ports.ts";

/** What judging a build needs of the world. */
export interface VerifyPorts {
  readonly tags: TagReader;
  readonly policies: PolicyReader;
  readonly openWalk: OpenWalk;
  /** The GitHub server, as certificates name it. */
  readonly server: string;
  readonly now: () => Date;
}

/** The image of a build, judged by every policy that it must pass. */
export interface Judged {
  readonly kind: "judged";
  /** The worst of the verdicts (RULES R2). */
  readonly verdict: "trusted" | "untrusted" | "undetermined";
  /** Why it is undetermined, where it is. */
  readonly reason: string | undefined;
  readonly digest: Build["digest"];
  readonly judgements: readonly Judgement[];
  readonly policies: StoredPolicies;
}

/**
 * Judges what a run left under the image's tag. Nothing that the run said about itself is used: the tag is resolved here, once, the
 * digest carried from there on, and everything else read from the registry (DESIGN §5).
 *
 * @throws {CouldNotLook} where the tag can't be resolved, or the organisation's policy neither be read nor be proven absent.
 * @throws {PolicyError} where that policy can't be used.
 */
export async function verifyBuild(
  ports: VerifyPorts,
  build: Build & { readonly run: Run; readonly request: NonNullable<Build["request"]> },
  stored: StoredPolicies,
): Promise<Judged> {
  const { repository, key, request, run } = build;
  const policies =
    stored.organisation === "unknown"
      ? { ...stored, organisation: (await ports.policies.readOrganisationPolicy(repository)) ?? ("absent" as const) }
      : stored;
  const own: OwnBuild = {
    server: ports.server,
    repositoryId: String(repository.id),
    ownerId: String(repository.ownerId),
    ref: key.ref,
    commit: key.commit,
    run: String(run.id),
    attempt: String(run.attempt),
  };
  const asked = { ...parseReference(request.image), tag: request.tags[0] };
  const walk = ports.openWalk(repository);
  try {
    const [tag, pinned] = await Promise.all([
      ports.tags.readTag(repository, key.ref),
      build.digest === undefined ? walk.resolve(asked) : { ...asked, digest: build.digest },
    ]);
    const judgements: Judgement[] = [];
    // One after the other: the second walk finds everything read and verified.
    for (const text of policiesOf(policies)) {
      const policy = parsePolicy(text.bytes, text.name, { server: ports.server });
      const asOf = ports.now();
      const ancestry =
        pinned === undefined
          ? ancestryOfFinding(asked, { kind: "unresolved", code: "tag-not-found", reason: NOT_PUSHED })
          : await walkAncestry(walk, policy, pinned, "every", asOf, own);
      const verdict = judge(ancestry, policy, pinned ?? asked, asOf);
      const { bytes: _, ...about } = text;
      judgements.push({
        policy: about,
        // Deleted, it says nothing else than before.
        verdict:
          tag === undefined || tag.commit === key.commit
            ? verdict
            : afterTagMoved(verdict, key.ref, key.commit, tag.commit),
      });
    }
    return { kind: "judged", ...worstOf(judgements), digest: pinned?.digest, judgements, policies };
  } finally {
    await walk.close();
  }
}

const NOT_PUSHED = "the run succeeded, and the repository doesn't hold the tag that it was to write";

/** The repository's, and the organisation's where there is one. */
function policiesOf({ repository, organisation }: StoredPolicies): readonly PolicyText[] {
  return typeof organisation === "string" ? [repository] : [repository, organisation];
}

function worstOf(judgements: readonly Judgement[]): Pick<Judged, "verdict" | "reason"> {
  const outcomes = judgements.map(({ verdict }) => verdict.outcome);
  if (outcomes.length === 0 || outcomes.includes("untrusted")) return { verdict: "untrusted", reason: undefined };
  if (!outcomes.includes("undetermined")) return { verdict: "trusted", reason: undefined };
  const [first] = judgements.flatMap(({ verdict }) => verdict.unreachable);
  return { verdict: "undetermined", reason: first?.reason ?? "something could not be looked at" };
}
