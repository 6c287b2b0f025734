import type { PolicyStates, Repository } from "../build/build.ts";
import { formatPlatform } from "../image/platform.ts";
import type { Enforced } from "../trust/enforcement.ts";
import { enforceForecast } from "../trust/forecast-standing.ts";
import { BeyondLimit } from "../trust/ports.ts";
import type { Foreseen } from "./foresee.ts";
import type { PullRequest } from "./ports.ts";
import type { FileState, PullFile, PullOutcome } from "./pull.ts";
import { answersTo, type Question } from "./pull-answers.ts";
import { filesOfPull, type PlannedFile } from "./pull-files.ts";
import { type PullPolicy, policiesOfPull } from "./pull-policies.ts";
import type { PullJudgePorts } from "./pull-ports.ts";
import { type FileText, textsOf } from "./pull-text.ts";

/** What came of judging a pull request. */
export interface JudgedPull {
  readonly outcome: PullOutcome;
  readonly answersTo: PolicyStates;
  readonly validUntil: Date | undefined;
}

/**
 * Judges what the Dockerfiles of a pull request would make, by the policies of the repository it is made to. Its head chooses what is
 * read and nothing of how it is judged.
 *
 * @param since - Nothing that was forecast before counts.
 * @param announce - Called before anything is asked of registries: it may take a while.
 * @throws {CouldNotLook} where GitHub doesn't let us read. @throws {PolicyError}
 */
export async function judgePull(
  ports: PullJudgePorts,
  repository: Repository,
  pull: PullRequest,
  { since, announce }: { readonly since: Date | undefined; readonly announce: () => Promise<void> },
): Promise<JudgedPull> {
  const { policies, builds, answersTo: states } = await policiesOfPull(ports, repository);
  const told = (outcome: PullOutcome, validUntil?: Date) => ({ outcome, answersTo: states, validUntil });
  let planned: readonly PlannedFile[];
  try {
    planned = await filesOfPull(ports, repository, pull, builds);
  } catch (error) {
    if (!(error instanceof BeyondLimit)) throw error;
    return told({ kind: "limit", reason: error.message });
  }
  const textOf = textsOf(ports.sources, repository);
  const read: Read[] = [];
  for (const file of planned) {
    const how = howOf(repository, file);
    const [before, after] = [await textOf(file.before), await textOf(file.after)];
    read.push({ file, how, before, after });
  }
  // What policy names and nobody has is no Dockerfile of this pull request.
  const present = read.filter(({ before, after }) => before.kind !== "absent" || after.kind !== "absent");
  if (present.every(({ after }) => after.kind === "absent")) return told({ kind: "no-dockerfile" });
  const questions = present.flatMap(({ how, before, after }) =>
    [before, after].flatMap((text): readonly Question[] => (text.kind === "text" ? [{ how, text }] : [])),
  );
  const answers = await answersTo(ports, repository, policies, questions, { since, announce });
  const files = present.map((each) => fileOf(each, policies, answers));
  return told({ kind: "judged", verdict: verdictOf(files), files }, firstEnd(files));
}

interface Read {
  readonly file: PlannedFile;
  readonly how: Foreseen["how"];
  readonly before: FileText;
  readonly after: FileText;
}

/** One that policy doesn't build is read as `docker build` without flags would; what it would be called decides where evidence is asked for. */
function howOf({ owner, name }: Repository, { build }: PlannedFile): Foreseen["how"] {
  const platforms = (build?.platforms ?? [{ os: "linux", architecture: "amd64" }]).map(formatPlatform);
  if (build === undefined)
    return {
      image: `ghcr.io/${owner}/${name}`.toLowerCase(),
      target: undefined,
      buildArgs: {},
      contexts: {},
      platforms,
    };
  const { image, target, buildArgs, contexts } = build;
  return { image, target, buildArgs, contexts, platforms };
}

type Answers = Awaited<ReturnType<typeof answersTo>>;

function fileOf({ file, how, before, after }: Read, policies: readonly PullPolicy[], answers: Answers): PullFile {
  const states = { before: stateOf(how, before, policies, answers), after: stateOf(how, after, policies, answers) };
  const isSame = before.kind === "text" && after.kind === "text" && before.blob === after.blob;
  return {
    path: file.path,
    previousPath: file.previousPath,
    isTouched: file.isTouched,
    build: file.build && { image: file.build.image, target: file.build.target },
    platforms: how.platforms,
    ...states,
    enforced: policies.flatMap((each) => {
      const said = enforced(states, each, isSame);
      return said === undefined ? [] : [{ policy: each.of, ...said }];
    }),
  };
}

function stateOf(how: Foreseen["how"], text: FileText, policies: readonly PullPolicy[], answers: Answers): FileState {
  if (text.kind === "absent") return text;
  if (text.kind === "unreadable") return { kind: "refused", line: 1, column: 1, reason: text.reason };
  const forecasts = [];
  for (const policy of policies) {
    const answer = answers(how, text.blob, policy);
    if (answer.kind === "refused") return answer;
    forecasts.push({ policy: policy.of, key: answer.key, standing: answer.standing });
  }
  return { kind: "judged", forecasts };
}

/** What a policy makes of a file (RULES R35); nothing of one that isn't there any more. */
function enforced(
  { before, after }: { readonly before: FileState; readonly after: FileState },
  { of, policy: { enforce: mode } }: PullPolicy,
  isSame: boolean,
): Enforced | undefined {
  switch (after.kind) {
    case "absent":
      return undefined;
    case "refused": {
      // Nobody knows what is in it, so that only one that was so before is no news.
      const passes = mode !== "strict" && isSame;
      const reason = passes
        ? "it was refused before, and isn't touched"
        : "a file that can't be read as BuildKit would";
      return { mode, conclusion: passes ? "success" : "failure", reason };
    }
    case "judged": {
      const standing = (state: FileState) =>
        state.kind === "judged" ? state.forecasts.find(({ policy }) => policy === of)?.standing : undefined;
      const now = standing(after);
      if (now === undefined) return { mode, conclusion: "failure", reason: "nothing was judged" };
      return enforceForecast(now, mode, standing(before));
    }
  }
}

/** The worst of what would be at the head. */
function verdictOf(files: readonly PullFile[]): "trusted" | "untrusted" | "undetermined" {
  const outcomes = files.flatMap(({ after }) => {
    if (after.kind === "judged") return after.forecasts.map(({ standing }) => standing.outcome);
    return after.kind === "refused" ? ["untrusted" as const] : [];
  });
  if (outcomes.length === 0 || outcomes.includes("untrusted")) return "untrusted";
  return outcomes.includes("undetermined") ? "undetermined" : "trusted";
}

/** The earliest that lies ahead of its forecast: what had lapsed by then is in it. */
function firstEnd(files: readonly PullFile[]): Date | undefined {
  const ends = files.flatMap(({ after }) =>
    after.kind !== "judged"
      ? []
      : after.forecasts.flatMap(({ standing: { asOf, validUntil } }) =>
          validUntil !== undefined && validUntil > asOf ? [validUntil.getTime()] : [],
        ),
  );
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}
