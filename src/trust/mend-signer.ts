import type { CertificateIdentity, SignerIdentity } from "../attestation/identity.ts";
import { parseReference } from "../image/reference.ts";
import { builderEntry, GITHUB_ISSUER, GITHUB_ISSUERS } from "./builder-schema.ts";
import { judgedName } from "./mirror.ts";
import type { Policy } from "./policy.ts";
import { PUBLISHERS, type PublisherPreset } from "./presets.ts";

/** What an entry takes for granted where it doesn't say otherwise. */
const USUAL_EVENTS: readonly string[] = ["push", "release", "workflow_dispatch"];

/**
 * The line of `trust.builders` that would accept this signer for this image, as narrow as its certificate allows; undefined where no
 * entry could. It's made from a stranger's certificate: whoever adds it has to know that signer.
 *
 * @param reference - The image as the walk names it.
 */
export function entryFor(policy: Policy, reference: string, identity: SignerIdentity): string | undefined {
  if (identity.kind === "key") return undefined;
  // In a policy these are patterns: what a stranger called himself would let others in.
  if ([identity.subjectAlternativeName, ...Object.values(identity.extensions)].some((text) => /[*{}]/.test(text)))
    return undefined;
  const name = nameIn(policy, reference);
  const signer = GITHUB_ISSUERS.test(identity.issuer) ? workflowEntry(identity) : certificateEntry(identity);
  if (name === undefined || signer === undefined) return undefined;
  const entry = { images: [name], ...signer };
  // A policy that refused what it was told to hold would be worse than no advice.
  return builderEntry.safeParse(entry).success ? `- ${flowYaml(entry)}` : undefined;
}

/** What the publisher of such images doesn't sign, where that is known: rebuilding or adding builders would be vain. */
export function publisherNote(policy: Policy, reference: string): string | undefined {
  const name = nameIn(policy, reference);
  if (name === undefined) return undefined;
  const named = policy.publishers.find(({ images }) => images.some((glob) => glob.match(name) !== undefined));
  if (named !== undefined) return `${named.name} doesn't ${named.doesNot}`;
  const silent = Object.entries<PublisherPreset>(PUBLISHERS).find(
    ([, { images, signers }]) =>
      signers.length === 0 && images.some((pattern) => name.startsWith(pattern.slice(0, pattern.indexOf("{")))),
  );
  return silent === undefined ? undefined : `${silent[0]} doesn't ${silent[1].doesNot}`;
}

function nameIn(policy: Policy, reference: string): string | undefined {
  try {
    const parsed = parseReference(reference);
    return judgedName(policy, parsed);
  } catch {
    // A dependency that can't be understood has no name, only a text.
    return undefined;
  }
}

function workflowEntry({ issuer, extensions }: CertificateIdentity): object | undefined {
  const {
    sourceRepositoryUri = "",
    buildSignerUri = "",
    sourceRepositoryRef: ref = "",
    buildTrigger = "",
  } = extensions;
  const [, server, repository] = /^(https?:\/\/[^/]+)\/([^/]+\/[^/]+)$/.exec(sourceRepositoryUri) ?? [];
  if (server === undefined || repository === undefined || !buildSignerUri.startsWith(`${server}/`)) return undefined;
  return {
    github: {
      repository,
      ...given("repository-id", extensions.sourceRepositoryIdentifier),
      ...given("owner-id", extensions.sourceRepositoryOwnerIdentifier),
      workflow: buildSignerUri.slice(server.length + 1),
      ...(ref.startsWith("refs/tags/") ? {} : { refs: [ref] }),
      ...(USUAL_EVENTS.includes(buildTrigger) ? {} : { events: [buildTrigger] }),
      ...(extensions.runnerEnvironment === "github-hosted" ? {} : given("runner", extensions.runnerEnvironment)),
      ...(issuer === GITHUB_ISSUER && server === "https://github.com" ? {} : { server, issuer }),
    },
  };
}

function certificateEntry({ issuer, subjectAlternativeName: name, extensions }: CertificateIdentity): object {
  const { sourceRepositoryUri: repository, sourceRepositoryRef: ref = "", buildTrigger = "" } = extensions;
  if (repository === undefined) return { identity: { issuer, name } };
  const source = {
    repository,
    ...given("repository-id", extensions.sourceRepositoryIdentifier),
    ...given("owner-id", extensions.sourceRepositoryOwnerIdentifier),
    ...(ref.startsWith("refs/tags/") ? {} : { refs: [ref] }),
    ...(USUAL_EVENTS.includes(buildTrigger) ? {} : { events: [buildTrigger] }),
  };
  return { identity: { issuer, name, source } };
}

function given(key: string, value: string | undefined): object {
  return value === undefined ? {} : { [key]: value };
}

/** JSON is YAML; without quotes at keys it also looks like it. Its strings hold what they say, whatever a stranger wrote. */
function flowYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowYaml).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${flowYaml(each)}`)
      .join(", ")} }`;
  return JSON.stringify(value);
}
