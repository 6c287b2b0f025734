import type { Repository } from "../build/build.ts";
import type { PolicyText } from "../build/ports.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { DockerfileError, type ImageUse } from "../image/dockerfile/reading.ts";
import { formatReference, imageName, type PinnedImage } from "../image/reference.ts";
import type { Forecast, ForecastParent } from "../trust/forecast.ts";
import { type ExpectedBuild, type Policy, parsePolicy } from "../trust/policy.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { loosenedFor } from "../trust/policy-loosening.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { sightingsOf, wentBack } from "../trust/tag-watch.ts";
import { type HeldPin, moveKey, type PinMove, type PinsProposal } from "./pins-state.ts";
import type { Foresight, MovedPin, ProposalPorts } from "./proposal-ports.ts";
import { pathOfBuild } from "./pull-files.ts";

/** So many builds of a policy are looked at, and so many tags resolved. */
const MAX_BUILDS = 30;
const MAX_TAGS = 100;
const MAX_FILE_BYTES = 1024 * 1024;

interface JudgedBy {
  readonly of: PolicyText["kind"];
  readonly policy: Policy;
}

/** A reference in a file whose tag leads elsewhere. */
interface Candidate extends PinMove {
  readonly use: ImageUse;
  readonly pin: MovedPin;
}

/**
 * Looks for pins of policy's Dockerfiles whose tags have moved, and for what the new digests are by every policy that the image must pass
 * (RULES R2). Only one whose whole ancestry is trusted is a move; and none that was signed before the pinned one, since whoever can move
 * a tag could lead everybody back to what was mended since (RULES R26).
 *
 * @param declined - As {@link moveKey}.
 * @returns undefined where there is no policy to judge by, or nothing is built.
 * @throws {CouldNotLook}
 */
export async function lookForNewer(
  ports: ProposalPorts,
  repository: Repository,
  declined: ReadonlySet<string>,
): Promise<PinsProposal | undefined> {
  const { defaultBranch, head, isArchived } = await ports.states.readState(repository);
  if (head === undefined || isArchived) return undefined;
  const policies = await policiesOf(ports, repository);
  const builds = policies?.[0]?.policy.builds.slice(0, MAX_BUILDS) ?? [];
  if (policies === undefined || builds.length === 0) return undefined;
  const foresight = ports.foresee(repository);
  const tags = new Map<string, Digest | undefined>();
  const proposal: Pick<PinsProposal, "moves" | "held" | "files" | "verdicts"> = {
    moves: [],
    held: [],
    files: [],
    verdicts: [],
  };
  try {
    for (const [path, ofPath] of Map.groupBy(builds, pathOfBuild)) {
      const text = await ports.sources.readFile(repository, head, path, MAX_FILE_BYTES).catch(nothingAbove);
      if (text === undefined) continue;
      const found = await inFile({ foresight, policies, tags, declined }, path, text, ofPath);
      proposal.moves.push(...found.moves);
      proposal.held.push(...found.held);
      proposal.files.push(...found.files);
      proposal.verdicts.push(...found.verdicts);
    }
  } finally {
    await foresight.close();
  }
  return { defaultBranch, head, ...proposal };
}

function nothingAbove(error: unknown): undefined {
  if (!(error instanceof BeyondLimit)) throw error;
}

/** @returns undefined where there is none, or one can't be used: the next tag's check tells its faults. */
async function policiesOf(ports: ProposalPorts, repository: Repository): Promise<readonly JudgedBy[] | undefined> {
  try {
    const text = await ports.policies.readRepositoryPolicy(repository);
    if (text === undefined) return undefined;
    const parse = ({ bytes, name }: PolicyText) => parsePolicy(bytes, name, { server: ports.server });
    const policy = parse(text);
    const own: JudgedBy = { of: "repository", policy };
    const organisation = await ports.policies.readOrganisationPolicy(repository);
    if (organisation === undefined) return [own];
    return [own, { of: "organisation", policy: loosenedFor(parse(organisation), policy) }];
  } catch (error) {
    if (error instanceof PolicyError || error instanceof BeyondLimit) return undefined;
    throw error;
  }
}

interface Looking {
  readonly foresight: Foresight;
  readonly policies: readonly JudgedBy[];
  /** What tags were resolved to so far. */
  readonly tags: Map<string, Digest | undefined>;
  readonly declined: ReadonlySet<string>;
}

/** One file, by every build of it: a pin moves for all of them or for none. */
async function inFile(
  looking: Looking,
  path: string,
  text: Uint8Array,
  builds: readonly ExpectedBuild[],
): Promise<Pick<PinsProposal, "moves" | "held" | "files" | "verdicts">> {
  const nothing = { moves: [], held: [], files: [], verdicts: [] };
  const { foresight } = looking;
  // It could not be written back as it was.
  if (!isUtf8(text)) return nothing;
  try {
    const candidates = await candidatesIn(looking, path, text, builds);
    if (candidates.length === 0) return nothing;
    const wanted = candidates.filter((each) => !looking.declined.has(moveKey(each)));
    const before = await foreseen(looking, text, builds);
    const all = wanted.length === 0 ? [] : await foreseen(looking, pinned(foresight, text, wanted), builds);
    const reasons = new Map(wanted.map((each) => [each, whyNot(each, before, all)] as const));
    const moves = wanted.filter((each) => reasons.get(each) === undefined);
    const held = candidates.flatMap((each): readonly HeldPin[] => {
      const why = wanted.includes(each) ? reasons.get(each) : "declined";
      return why === undefined ? [] : [{ ...moveOf(each), why }];
    });
    if (moves.length === 0) return { ...nothing, held };
    const moved = pinned(foresight, text, moves);
    const after = moves.length === wanted.length ? all : await foreseen(looking, moved, builds);
    return {
      moves: moves.map(moveOf),
      held,
      files: [{ path, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(moved), before: digestOf(text) }],
      verdicts: after.map(({ image, of, forecast }, i) => ({
        path,
        image,
        policy: of,
        before: before[i]?.forecast.outcome ?? "undetermined",
        after: forecast.outcome,
      })),
    };
  } catch (error) {
    // BuildKit refuses the file: that is its check's to tell.
    if (error instanceof DockerfileError) return nothing;
    throw error;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function moveOf({ path, line, name, from, to }: Candidate): PinMove {
  return { path, line, name, from, to };
}

function pinned(foresight: Foresight, text: Uint8Array, moves: readonly Candidate[]): Uint8Array {
  return foresight.pin(
    text,
    moves.map(({ pin }) => pin),
  );
}

async function candidatesIn(
  { foresight, tags }: Looking,
  path: string,
  text: Uint8Array,
  builds: readonly ExpectedBuild[],
): Promise<readonly Candidate[]> {
  const found = new Map<number, Candidate>();
  for (const build of builds) {
    for (const { images } of await foresight.read(text, build)) {
      for (const use of images) {
        const { reference, place, isReached, line } = use;
        const { tag, digest: from } = reference;
        if (!isReached || tag === undefined || from === undefined || place === undefined) continue;
        const name = `${imageName(reference)}:${tag}`;
        const to = await tagOf(foresight, tags, use);
        if (to === undefined || to === from) continue;
        found.set(place.start, { path, line, name, from, to, use, pin: { place, digest: to } });
      }
    }
  }
  return [...found.values()].sort((a, b) => a.pin.place.start - b.pin.place.start);
}

/** Where a tag leads. One registry that doesn't answer keeps nobody from the others: the next turn asks again. */
async function tagOf(
  foresight: Foresight,
  tags: Map<string, Digest | undefined>,
  { reference: { digest: _, ...reference } }: ImageUse,
): Promise<Digest | undefined> {
  const name = formatReference(reference);
  if (tags.has(name) || tags.size >= MAX_TAGS) return tags.get(name);
  try {
    tags.set(name, (await foresight.resolve(reference))?.digest);
  } catch (error) {
    if (!(error instanceof CouldNotLook || error instanceof BeyondLimit)) throw error;
    tags.set(name, undefined);
  }
  return tags.get(name);
}

interface ForeseenBy {
  readonly image: string;
  readonly of: PolicyText["kind"];
  readonly policy: Policy;
  readonly forecast: Forecast;
}

async function foreseen(
  { foresight, policies }: Looking,
  text: Uint8Array,
  builds: readonly ExpectedBuild[],
): Promise<readonly ForeseenBy[]> {
  const all: ForeseenBy[] = [];
  for (const build of builds)
    for (const { of, policy } of policies)
      all.push({ image: build.image, of, policy, forecast: await foresight.forecast(policy, text, build) });
  return all;
}

/** Whether every policy trusts the new digest in every build that uses it; else the worst of the reasons. */
function whyNot(
  move: Candidate,
  before: readonly ForeseenBy[],
  after: readonly ForeseenBy[],
): HeldPin["why"] | undefined {
  const reasons = after.flatMap(({ policy, forecast }, i): readonly HeldPin["why"][] => {
    const now = parentsOf(forecast, move, move.to);
    const old = parentsOf(before[i]?.forecast, move, move.from);
    return now.flatMap((parent) => reasonOf(parent, old, policy) ?? []);
  });
  // No build has shown what it is: nothing is proposed that nobody has looked at (RULES R18).
  if (!after.some(({ forecast }) => parentsOf(forecast, move, move.to).length > 0)) return "undetermined";
  return WORST.find((why) => reasons.includes(why));
}

const WORST: readonly HeldPin["why"][] = ["untrusted", "undetermined", "not-judged", "older"];

function parentsOf(
  forecast: Forecast | undefined,
  { use: { reference } }: Candidate,
  digest: string,
): readonly ForecastParent[] {
  return (forecast?.parents ?? []).filter(
    (parent) => imageName(parent.reference) === imageName(reference) && digestIn(parent) === digest,
  );
}

function digestIn({ reference, image }: ForecastParent): PinnedImage["digest"] | undefined {
  return reference.digest ?? image?.digest;
}

function reasonOf(
  { verdict }: ForecastParent,
  old: readonly ForecastParent[],
  policy: Policy,
): HeldPin["why"] | undefined {
  if (verdict === undefined) return "not-judged";
  if (verdict.outcome !== "trusted") return verdict.outcome;
  const seen = old.flatMap((each) => (each.verdict === undefined ? [] : sightingsOf(each.verdict)));
  return wentBack(policy, seen, sightingsOf(verdict)).length > 0 ? "older" : undefined;
}
