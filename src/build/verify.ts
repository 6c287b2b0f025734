import { type ImageReference, type PinnedImage, parseReference } from "../image/reference.ts";
import { ancestryOfFinding, walkAncestry } from "../trust/ancestry.ts";
import type { Finding } from "../trust/finding.ts";
import { afterTagMoved } from "../trust/image-tags.ts";
import type { OwnBuild } from "../trust/own-build.ts";
import { type Policy, parsePolicy } from "../trust/policy.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { loosenedFor } from "../trust/policy-loosening.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { judge, type Verdict } from "../trust/verdict.ts";
import type { Build, PolicyStates, Repository, Run } from "./build.ts";
import { type PolicyPorts, readOrganisationPolicy, readRepositoryPolicy, stateOf } from "./policies.ts";
import type {
  Judgement,
  OpenWalk,
  PolicyText,
  SightingStore,
  StoredPolicies,
  TagReader,
  TagSightings,
  Walk,
} from "./ports.ts";
import { watchedTags, watchTags } from "./watch.ts";

/** What judging a build needs of the world. */
export interface VerifyPorts extends PolicyPorts {
  readonly tags: TagReader;
  readonly openWalk: OpenWalk;
  readonly sightings: SightingStore;
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
  /** As they are to be kept with the build. */
  readonly policies: StoredPolicies;
  readonly answersTo: PolicyStates;
  /** What tags that move were seen at; to be kept where the verdict is trusted. */
  readonly seen: readonly TagSightings[];
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
  const policies = await presentPolicies(ports, build, stored);
  const parse = ({ bytes, name }: PolicyText) => parsePolicy(bytes, name, { server: ports.server });
  const parsed = policiesOf(policies).map((text) => {
    const policy = parse(text);
    // What the organisation lets a repository loosen is loosened by the text that is judged by, too (RULES R2).
    if (text.kind === "organisation") return { text, policy: loosenedFor(policy, parse(policies.repository)) };
    // What was to be built is what was asked for: policy may ask for something else by now, and takes nothing back by that (RULES R9).
    return { text, policy: { ...policy, builds: parse(stored.repository).builds } };
  });
  // Before the image's tag is resolved: nothing that can fail stands between that and keeping the digest.
  const commit = await commitNow(ports.tags, repository, key.ref);
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
  const walk = ports.openWalk(repository, asked);
  try {
    const found = build.digest === undefined ? await resolve(walk, asked) : { ...asked, digest: build.digest };
    const judged: { readonly about: Judgement["policy"]; readonly policy: Policy; readonly verdict: Verdict }[] = [];
    // One after the other: the second walk finds everything read and verified.
    for (const { text, policy } of parsed) {
      const asOf = ports.now();
      const ancestry =
        "kind" in found ? ancestryOfFinding(asked, found) : await walkAncestry(walk, policy, found, "every", asOf, own);
      const verdict = judge(ancestry, policy, "kind" in found ? asked : found, asOf);
      const { bytes: _, ...about } = text;
      judged.push({
        about,
        policy,
        // Deleted, it says nothing else than before.
        verdict:
          commit === undefined || commit === key.commit ? verdict : afterTagMoved(verdict, key.ref, key.commit, commit),
      });
    }
    const digest = "kind" in found ? undefined : found.digest;
    const tags = parsed[0] === undefined ? [] : watchedTags(parsed[0].policy, request);
    const isTrusted = judged.length > 0 && judged.every(({ verdict }) => verdict.outcome === "trusted");
    const watched =
      "kind" in found || !isTrusted
        ? { judged, seen: [] }
        : await watchTags(ports, walk, { build, tags, found }, judged);
    const judgements = watched.judged.map(
      ({ about, policy, verdict }): Judgement => ({ policy: about, verdict, enforce: policy.enforce }),
    );
    return {
      kind: "judged",
      ...worstOf(judgements),
      digest,
      judgements,
      seen: watched.seen,
      policies: { ...stored, organisation: policies.organisation },
      answersTo: {
        repository: stateOf(policies.repository),
        organisation: stateOf(policies.organisation === "absent" ? undefined : policies.organisation),
      },
    };
  } finally {
    await walk.close();
  }
}

/** What stands under the image's tag, or what is wrong there. */
async function resolve(walk: Walk, asked: ImageReference): Promise<PinnedImage | Finding> {
  try {
    const reason = "the run succeeded, and the repository doesn't hold the tag that it was to write";
    return (await walk.resolve(asked)) ?? { kind: "unresolved", code: "tag-not-found", reason };
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return { kind: "limit", reason: error.message };
  }
}

/**
 * The commit of a git tag as it is now, or words for what is none; undefined if the tag is gone.
 * @throws {CouldNotLook}
 */
export async function commitNow(tags: TagReader, repository: Repository, ref: string): Promise<string | undefined> {
  try {
    return (await tags.readTag(repository, ref))?.commit;
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return "a tag of too many tags";
  }
}

/** The policies that decide now. */
interface PresentPolicies {
  readonly repository: PolicyText;
  readonly organisation: PolicyText | "absent";
}

/**
 * The first time, the repository's policy is the one that made the build. Whoever judges it again judges by what policy is by then, so
 * that no later round passes by one that has been tightened since (RULES R2).
 */
async function presentPolicies(
  ports: PolicyPorts,
  { repository, round }: Build,
  { repository: made, organisation }: StoredPolicies,
): Promise<PresentPolicies> {
  if (round === 1 && organisation !== "unknown") return { repository: made, organisation };
  const present = round === 1 ? made : await readRepositoryPolicy(ports, repository);
  if (present === undefined) {
    const message =
      "it was there when this image was built, and isn't any more: nothing says what the image is judged by; put it back";
    throw new PolicyError(made.name, [{ line: 1, column: 1, path: "", message }]);
  }
  return { repository: present, organisation: (await readOrganisationPolicy(ports, repository)) ?? "absent" };
}

/** The repository's, and the organisation's where there is one. */
function policiesOf({ repository, organisation }: PresentPolicies): readonly PolicyText[] {
  return organisation === "absent" ? [repository] : [repository, organisation];
}

function worstOf(judgements: readonly Judgement[]): Pick<Judged, "verdict" | "reason"> {
  const outcomes = judgements.map(({ verdict }) => verdict.outcome);
  if (outcomes.length === 0 || outcomes.includes("untrusted")) return { verdict: "untrusted", reason: undefined };
  if (!outcomes.includes("undetermined")) return { verdict: "trusted", reason: undefined };
  const [first] = judgements.flatMap(({ verdict }) => verdict.unreachable);
  return { verdict: "undetermined", reason: first?.reason ?? "something could not be looked at" };
}
