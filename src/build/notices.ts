import { claimsOf } from "../attestation/identity.ts";
import { parseReference } from "../image/reference.ts";
import type { Build, Notice } from "./build.ts";
import type { Judgement, NoticeStore } from "./ports.ts";

/** Of whom it is told that they claim the name as well; the others are counted. */
const MAX_NAMED = 5;

/**
 * What whoever owns the image should look at though it decides nothing: a builder whose workflow is another than the first that was seen
 * under its ref (RULES R7), and others who build under the image's name (RULES R3).
 */
export async function noticesOf(
  store: NoticeStore,
  build: Build,
  judgements: readonly Judgement[],
): Promise<readonly Notice[]> {
  const notices: Notice[] = [];
  for (const [builder, digest] of unpinnedBuilders(judgements)) {
    const first = await store.keepFirstDigest(build.repository, builder, digest);
    if (first === digest) continue;
    const message = `${builder} is at ${digest} (.10), and was at ${first} when it was first seen here: look at what changed in it, or pin workflow-digest`;
    notices.push({ code: "builder-changed", message });
  }
  const { named, hidden } = await store.listRivals(build.repository, build.key.image, MAX_NAMED);
  if (named.length + hidden > 0) {
    const others = [...named, ...(hidden === 0 ? [] : [`${hidden} that can't be named here`])].join(", ");
    const claim = isProven(build, judgements)
      ? "what is under it now carries this repository's id"
      : "nothing that is accepted under it carries this repository's id";
    const message = `other repositories build ${build.key.image} too: ${others}; no claim wins, and ${claim}`;
    notices.push({ code: "rival-claims", message });
  }
  return notices;
}

/** Each builder that policy names by its ref alone, with the digest of the workflow that signed; in one order. */
function unpinnedBuilders(judgements: readonly Judgement[]): readonly (readonly [string, string])[] {
  const found = new Map<string, readonly [string, string]>();
  for (const { identity, acceptance } of judgements.flatMap(acceptedBy)) {
    const { builder } = acceptance;
    const { buildSignerUri, buildSignerDigest } = claimsOf(identity);
    if (builder.kind !== "github" || builder.workflowDigest !== undefined) continue;
    if (buildSignerUri === undefined || buildSignerDigest === undefined) continue;
    found.set(`${buildSignerUri} ${buildSignerDigest}`, [buildSignerUri, buildSignerDigest]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}

function acceptedBy({ verdict }: Judgement) {
  return verdict.nodes.flatMap(({ accepted }) => accepted);
}

/** Whether the repository owns the image's name (RULES R3): by its id, or on ghcr.io by its owner's. */
function isProven({ repository, key }: Build, judgements: readonly Judgement[]): boolean {
  const { registry } = parseReference(key.image);
  return judgements.some(({ verdict }) => {
    const subjects = new Set(verdict.platforms.map(({ node }) => node));
    return verdict.nodes.some(({ id, accepted }) => {
      if (!subjects.has(id)) return false;
      return accepted.some(({ identity }) => {
        const { sourceRepositoryIdentifier: source, sourceRepositoryOwnerIdentifier: owner } = claimsOf(identity);
        return (
          source === String(repository.id) ||
          (registry === "ghcr.io" && owner === String(repository.ownerId) && isNamespaceOf(repository.owner, key.image))
        );
      });
    });
  });
}

function isNamespaceOf(owner: string, image: string): boolean {
  return image.startsWith(`ghcr.io/${owner.toLowerCase()}/`);
}
