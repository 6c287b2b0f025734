import { digestOf } from "../image/digest.ts";
import { formatPlatform } from "../image/platform.ts";
import { imageTagsOf } from "../trust/image-tags.ts";
import { type ExpectedBuild, parsePolicy } from "../trust/policy.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { type Build, type BuildRequest, type Outcome, type PolicyStates, type Repository, tagName } from "./build.ts";
import { type PolicyPorts, policyWrong, readOrganisationPolicy, readRepositoryPolicy, stateOf } from "./policies.ts";
import type { StoredPolicies, Tag, TagReader, TagState, TagStore } from "./ports.ts";

/** A tag that was pushed, moved or deleted: what a delivery says, or what was found by looking. A hint: GitHub is asked what is true. */
export interface TagPush {
  readonly repository: Repository;
  /** The full ref. */
  readonly ref: string;
  /** What the ref named before; all zeros for a new tag; undefined where nobody told us. */
  readonly before: string | undefined;
  /** What it names since; undefined where it was deleted. */
  readonly after: string | undefined;
}

/** What starting builds needs of the world. */
export interface StartPorts extends PolicyPorts {
  readonly tags: TagReader;
  readonly store: TagStore & PolicyPorts["store"];
  /** The GitHub server, as policies mean it. */
  readonly server: string;
  readonly now: () => Date;
  /** A new build's id: random, since whoever knows it may look at the build. */
  readonly newId: () => string;
}

/**
 * Records a push and the builds that policy makes of it.
 *
 * Deliveries come twice, late and out of order. What counts is what the tag names now: a push that has been overtaken builds nothing,
 * since the push that overtook it has a delivery of its own.
 *
 * @returns the ids of the builds that are new.
 * @throws {CouldNotLook} and nothing is recorded.
 */
export async function startBuilds(ports: StartPorts, push: TagPush): Promise<readonly string[]> {
  const { repository, ref } = push;
  const known = await ports.store.readTagState(repository.id, ref);
  const tag = await readTag(ports.tags, repository, ref);
  if (tag === "no-commit") return [];
  if (tag === undefined) {
    if (known === undefined || known.object === undefined) return [];
    const state = { generation: known.generation, object: undefined, before: known.object };
    return ports.store.recordPush({ repository, ref, state, builds: [], policies: undefined });
  }
  const isOvertaken = push.after === undefined || (push.after !== tag.object && push.after !== tag.commit);
  if (isOvertaken) return [];
  const state = nextState(known, { before: push.before, object: tag.object });
  const on = { repository, ref, commit: tag.commit, generation: state.generation };
  const { policies, builds } = await plannedBuilds(ports, on);
  return ports.store.recordPush({ repository, ref, state, builds, policies });
}

/** Tags of tags without end name no commit: there is nothing to build, and nowhere to say so. */
async function readTag(tags: TagReader, repository: Repository, ref: string): Promise<Tag | "no-commit" | undefined> {
  try {
    return await tags.readTag(repository, ref);
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return "no-commit";
  }
}

/**
 * The tag's generation after a push (RULES R31): A, B, A are three, and the same push told twice is one. The push that is known is
 * told again if both its ends are the same; where one end was only found by looking, the delivery that comes late completes it.
 */
export function nextState(
  known: TagState | undefined,
  push: { readonly before: string | undefined; readonly object: string },
): TagState {
  const { object, before } = push;
  const isKnown =
    known?.object === object && (before === undefined || known.before === undefined || known.before === before);
  if (isKnown) return { ...known, before: known.before ?? before };
  return { generation: (known?.generation ?? 0) + 1, object, before };
}

/** Nothing is judged of what isn't built. */
const NONE: PolicyStates = { repository: undefined, organisation: undefined };

/** What a tag names, and how often it has moved. */
interface Pushed {
  readonly repository: Repository;
  readonly ref: string;
  readonly commit: string;
  readonly generation: number;
}

/** The builds of a push, with the policies that make them. */
interface Plan {
  readonly policies: StoredPolicies | undefined;
  readonly builds: readonly Build[];
}

/** One build for each image that policy makes of this tag; or one that only says why there is none; none without a policy. */
async function plannedBuilds(ports: StartPorts, on: Pushed): Promise<Plan> {
  let policies: StoredPolicies | undefined;
  try {
    const repository = await readRepositoryPolicy(ports, on.repository);
    if (repository === undefined) return { policies, builds: [] };
    policies = { repository, organisation: "unknown" };
    policies = { repository, organisation: await organisationPolicy(ports, on.repository) };
    return { policies, builds: policyBuilds(ports, on, policies) };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const bytes = policies?.repository.bytes ?? new Uint8Array();
    return {
      policies,
      builds: [newBuild(ports, { ...on, bytes, answersTo: NONE }, "", undefined, policyWrong(error))],
    };
  }
}

/** Not knowing keeps nobody from building; it keeps the verdict open until it is known (RULES R2). */
async function organisationPolicy(ports: PolicyPorts, repository: Repository): Promise<StoredPolicies["organisation"]> {
  try {
    return (await readOrganisationPolicy(ports, repository)) ?? "absent";
  } catch (error) {
    if (error instanceof CouldNotLook) return "unknown";
    throw error;
  }
}

/** @throws {PolicyError} for either policy, before anything is built for it. */
function policyBuilds(ports: StartPorts, on: Pushed, { repository, organisation }: StoredPolicies): readonly Build[] {
  const policy = parsePolicy(repository.bytes, repository.name, { server: ports.server });
  if (typeof organisation !== "string") parsePolicy(organisation.bytes, organisation.name, { server: ports.server });
  const gitTag = tagName(on.ref);
  const answersTo = {
    repository: stateOf(repository),
    organisation:
      organisation === "unknown" ? undefined : stateOf(organisation === "absent" ? undefined : organisation),
  };
  const by = { ...on, bytes: repository.bytes, answersTo };
  return policy.builds
    .filter(({ tags }) => tags === undefined || tags.some((glob) => glob.match(gitTag) !== undefined))
    .map((expected) => {
      const made = imageTagsOf(expected, gitTag);
      return made.kind === "unusable"
        ? newBuild(ports, by, expected.image, undefined, { kind: "tag-unusable", reason: made.reason })
        : newBuild(ports, by, expected.image, requestOf(expected, made.tags), undefined);
    });
}

/** Policy's words as the workflow gets them. */
function requestOf(expected: ExpectedBuild, tags: BuildRequest["tags"]): BuildRequest {
  const { image, dockerfile, context, target, platforms, buildArgs, contexts, secrets, workflow } = expected;
  return {
    image,
    tags,
    dockerfile,
    ...(context !== undefined && { context }),
    ...(target !== undefined && { target }),
    ...(platforms !== undefined && { platforms: platforms.map(formatPlatform) }),
    buildArgs,
    contexts,
    secrets,
    workflow,
  };
}

function newBuild(
  ports: StartPorts,
  {
    repository,
    ref,
    commit,
    generation,
    bytes,
    answersTo,
  }: Pushed & {
    readonly bytes: Uint8Array;
    readonly answersTo: PolicyStates;
  },
  image: string,
  request: BuildRequest | undefined,
  outcome: Outcome | undefined,
): Build {
  const now = ports.now();
  return {
    id: ports.newId(),
    repository,
    key: {
      repositoryId: repository.id,
      ref,
      commit,
      image,
      policyDigest: digestOf(bytes),
      generation,
    },
    request,
    phase: outcome === undefined ? "requested" : "settled",
    checkRun: undefined,
    run: undefined,
    runStatus: undefined,
    digest: undefined,
    outcome,
    answersTo,
    validUntil: undefined,
    failures: 0,
    waiting: undefined,
    attempted: {},
    round: 1,
    reported: undefined,
    createdAt: now,
    settledAt: outcome === undefined ? undefined : now,
  };
}
