import type { Repository } from "../build/build.ts";
import { POLICY_PLACES } from "../build/ports.ts";
import { DockerfileError, type DockerfileReading } from "../image/dockerfile/reading.ts";
import { parsePlatform } from "../image/platform.ts";
import { formatReference } from "../image/reference.ts";
import type { Forecast } from "../trust/forecast.ts";
import { type Policy, parsePolicy } from "../trust/policy.ts";
import { type PolicyDraft, writePolicy } from "../trust/policy-draft.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { BUILDER_WORKFLOW, CALLER_FILE, CALLER_WORKFLOW, WORKFLOWS } from "./caller-workflow.ts";
import { dockerfilesAmong } from "./dockerfile-names.ts";
import type { FoundFile, FoundRepository } from "./found-repository.ts";
import { buildsFrom } from "./onboarding-builds.ts";
import { type ForeseenFile, MAX_KEPT_TEXT, type NothingToPropose, type OnboardingDraft } from "./onboarding-state.ts";
import { ownersIn, publishersFor, rootsFor } from "./onboarding-trust.ts";
import type { BuildChoices, Foresight, ProposalPorts } from "./proposal-ports.ts";

/** So many Dockerfiles and workflows are read, of so many bytes each. */
const MAX_DOCKERFILES = 30;
const MAX_WORKFLOWS = 10;
const MAX_FILE_BYTES = 256 * 1024;
/** So much is told of each Dockerfile. */
const MAX_FAULTS = 10;
const MAX_PARENTS = 30;
const MAX_ASIDE = 20;

/** A build with the path of its Dockerfile, and what was read of it: undefined where BuildKit would refuse it. */
interface ReadBuild {
  readonly path: string;
  readonly image: string;
  readonly text: Uint8Array;
  readonly choices: BuildChoices;
  readonly readings: readonly DockerfileReading[];
  readonly refused: DockerfileError | undefined;
}

/** What looking came to: a draft, that both files are there, or why there is nothing to propose for now. */
export type Look =
  | { readonly kind: "draft"; readonly draft: OnboardingDraft }
  | { readonly kind: "there" }
  | { readonly kind: "nothing"; readonly why: NothingToPropose };

/**
 * Looks at a repository's default branch, at one commit, and makes the proposal from what is there. Every text in it is a stranger's:
 * nothing is run, each thing is bounded, and what comes out is a policy that was read again before anybody sees it.
 *
 * @throws {CouldNotLook}
 */
export async function lookAt(ports: ProposalPorts, repository: Repository): Promise<Look> {
  const { defaultBranch, head, isArchived, isFork } = await ports.states.readState(repository);
  if (isArchived) return { kind: "nothing", why: "archived" };
  if (isFork) return { kind: "nothing", why: "fork" };
  if (head === undefined) return { kind: "nothing", why: "empty" };
  const paths = await filesOf(ports, repository, head);
  if (paths === undefined) return { kind: "nothing", why: "too-large" };
  const policyPath = POLICY_PLACES.repository.path;
  if (paths.has(policyPath)) return besidePolicy(ports, repository, { defaultBranch, head, paths });
  const found = await findIn(ports, repository, head, paths);
  const { builds, aside } = buildsFrom(found.repository);
  if (builds.length === 0) return { kind: "nothing", why: "no-dockerfile" };
  const foresight = ports.foresee(repository);
  try {
    const texts = new Map(found.repository.dockerfiles.map(({ path, text }) => [path, text]));
    const read: ReadBuild[] = [];
    for (const build of builds) {
      const choices = choicesOf(build.platforms);
      read.push({ ...build, choices, ...(await readingsOf(foresight, bytesOf(texts.get(build.path) ?? ""), choices)) });
    }
    const uses = read.flatMap(({ readings }) =>
      readings.flatMap(({ images }) => images.filter((use) => use.isReached)),
    );
    const base: PolicyDraft = {
      enforce: "strict",
      builds,
      builders: [
        {
          images: builds.map(({ image }) => image),
          repository: `${repository.owner}/${repository.name}`,
          repositoryId: repository.id,
          ownerId: repository.ownerId,
          workflow: BUILDER_WORKFLOW,
        },
      ],
      publishers: publishersFor(uses, await numbersOf(ports, repository, ownersIn(uses))),
      roots: [],
    };
    const policy = policyOf(writePolicy(base), ports.server);
    const foreseen = await foreseeAll(foresight, policy, read);
    const isTrusted = foreseen.every(({ forecast }) => forecast?.outcome === "trusted");
    const roots = rootsFor(foreseen.flatMap(({ forecast }) => forecast ?? []));
    const text = writePolicy({ ...base, enforce: isTrusted ? "strict" : "ratchet", roots });
    // The comment must be no more than one: what is written is what was judged, but for `enforce`.
    policyOf(text, ports.server);
    const workflow = `${WORKFLOWS}${CALLER_FILE}`;
    const files = [
      { path: policyPath, text },
      ...(paths.has(workflow) ? [] : [{ path: workflow, text: CALLER_WORKFLOW }]),
    ];
    const left = [...aside, ...found.left];
    return {
      kind: "draft",
      draft: {
        defaultBranch,
        head,
        files,
        isPolicyNew: true,
        dockerfiles: foreseen.map(({ path, image, state }) => ({ path, image, state })),
        aside: left.slice(0, MAX_ASIDE).map(cut),
        moreAside: Math.max(0, left.length - MAX_ASIDE) + found.more,
        madeAt: ports.now().getTime(),
      },
    };
  } finally {
    await foresight.close();
  }
}

/** There is a policy, and it is the owner's: what is missing may be the workflow that it needs. */
async function besidePolicy(
  ports: ProposalPorts,
  repository: Repository,
  at: { readonly defaultBranch: string; readonly head: string; readonly paths: ReadonlySet<string> },
): Promise<Look> {
  const { defaultBranch, head, paths } = at;
  const policy = await policyAt(ports, repository, head);
  if (policy === undefined) return { kind: "nothing", why: "policy-unusable" };
  const missing = [...new Set(policy.builds.map(({ workflow }) => `${WORKFLOWS}${workflow}`))].filter(
    (path) => !paths.has(path),
  );
  if (missing.length === 0) return { kind: "there" };
  const foresight = ports.foresee(repository);
  try {
    const read: ReadBuild[] = [];
    for (const build of policy.builds.slice(0, MAX_DOCKERFILES)) {
      const path = build.context === undefined ? build.dockerfile : `${build.context}/${build.dockerfile}`;
      const text = paths.has(path) ? await readText(ports, repository, head, path) : undefined;
      if (text === undefined) continue;
      read.push({ path, image: build.image, choices: build, ...(await readingsOf(foresight, bytesOf(text), build)) });
    }
    const foreseen = await foreseeAll(foresight, policy, read);
    return {
      kind: "draft",
      draft: {
        defaultBranch,
        head,
        files: missing.map((path) => ({ path, text: CALLER_WORKFLOW })),
        isPolicyNew: false,
        dockerfiles: foreseen.map(({ path, image, state }) => ({ path, image, state })),
        aside: [],
        moreAside: 0,
        madeAt: ports.now().getTime(),
      },
    };
  } finally {
    await foresight.close();
  }
}

/** @returns undefined for what can't be read as one, whose faults the check of its next tag tells. */
async function policyAt(ports: ProposalPorts, repository: Repository, head: string): Promise<Policy | undefined> {
  const text = await readText(ports, repository, head, POLICY_PLACES.repository.path);
  try {
    return text === undefined ? undefined : policyOf(text, ports.server);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return undefined;
  }
}

/** @throws {PolicyError} */
function policyOf(text: string, server: string): Policy {
  return parsePolicy(bytesOf(text), POLICY_PLACES.repository.path, { server });
}

/** @returns undefined for more files than GitHub lists. */
async function filesOf(
  { sources }: ProposalPorts,
  repository: Repository,
  head: string,
): Promise<ReadonlySet<string> | undefined> {
  try {
    return new Set((await sources.listFiles(repository, head)).keys());
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return undefined;
  }
}

async function findIn(
  ports: ProposalPorts,
  repository: Repository,
  head: string,
  paths: ReadonlySet<string>,
): Promise<{ readonly repository: FoundRepository; readonly left: readonly string[]; readonly more: number }> {
  const named = dockerfilesAmong(paths, MAX_DOCKERFILES);
  const dockerfiles: FoundFile[] = [];
  const left: string[] = [];
  for (const path of named.paths) {
    const text = await readText(ports, repository, head, path);
    if (text === undefined) left.push(path);
    else dockerfiles.push({ path, text });
  }
  const workflows: FoundFile[] = [];
  const ofWorkflows = [...paths].filter((path) => path.startsWith(WORKFLOWS) && /\.ya?ml$/.test(path)).sort();
  for (const path of dockerfiles.length === 0 ? [] : ofWorkflows.slice(0, MAX_WORKFLOWS)) {
    const text = await readText(ports, repository, head, path);
    if (text !== undefined) workflows.push({ path, text });
  }
  const tags = dockerfiles.length === 0 ? [] : await ports.tags.listTags(repository);
  const names = tags.map(({ ref }) => ref.replace(/^refs\/tags\//, ""));
  return { repository: { repository, paths, dockerfiles, workflows, tags: names }, left, more: named.left };
}

/** @returns undefined for what is larger than such a file, or is none. */
async function readText(
  { sources }: ProposalPorts,
  repository: Repository,
  head: string,
  path: string,
): Promise<string | undefined> {
  try {
    const bytes = await sources.readFile(repository, head, path, MAX_FILE_BYTES);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return undefined;
  }
}

async function numbersOf(ports: ProposalPorts, repository: Repository, owners: readonly string[]) {
  const numbers = new Map<string, { readonly login: string; readonly id: number }>();
  for (const owner of owners) {
    const own =
      owner === repository.owner.toLowerCase() ? { login: repository.owner, id: repository.ownerId } : undefined;
    const known = own ?? (await ports.accounts.readAccount(repository, owner));
    if (known !== undefined) numbers.set(owner, known);
  }
  return numbers;
}

function choicesOf(platforms: readonly string[] | undefined): BuildChoices {
  return { target: undefined, platforms: platforms?.map(parsePlatform), buildArgs: {}, contexts: {} };
}

async function readingsOf(foresight: Foresight, text: Uint8Array, choices: BuildChoices) {
  try {
    return { text, readings: await foresight.read(text, choices), refused: undefined };
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    return { text, readings: [], refused: error };
  }
}

async function foreseeAll(foresight: Foresight, policy: Policy, builds: readonly ReadBuild[]) {
  const foreseen: {
    readonly path: string;
    readonly image: string;
    readonly state: ForeseenFile;
    readonly forecast: Forecast | undefined;
  }[] = [];
  for (const { path, image, text, choices, refused } of builds) {
    if (refused !== undefined) {
      const { line, column, message } = refused;
      foreseen.push({
        path,
        image,
        state: { kind: "refused", line, column, reason: cut(message) },
        forecast: undefined,
      });
      continue;
    }
    const forecast = await foresight.forecast(policy, text, choices);
    foreseen.push({ path, image, state: foreseenOf(forecast), forecast });
  }
  return foreseen;
}

function foreseenOf({ outcome, faults, unreachable, parents }: Forecast): ForeseenFile {
  const all = [...faults, ...unreachable];
  return {
    kind: "judged",
    outcome,
    faults: all.slice(0, MAX_FAULTS).map(({ code, reason, lines }) => ({
      code,
      reason: cut(reason),
      lines: lines.slice(0, MAX_FAULTS).map(({ line, endLine }) => ({ line, endLine })),
    })),
    moreFaults: Math.max(0, all.length - MAX_FAULTS),
    parents: parents.slice(0, MAX_PARENTS).map(({ reference, role, image, verdict }) => ({
      name: formatReference(reference),
      role,
      ...(image !== undefined && { digest: image.digest }),
      ...(verdict !== undefined && { outcome: verdict.outcome }),
    })),
    moreParents: Math.max(0, parents.length - MAX_PARENTS),
  };
}

function cut(text: string): string {
  return text.slice(0, MAX_KEPT_TEXT);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
