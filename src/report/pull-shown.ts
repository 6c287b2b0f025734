import { conclusionOfFile } from "../change/conclusion.ts";
import type { FileForecast, FileState, PolicyOf, PullFile } from "../change/pull.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { ForecastDocument } from "./forecast-json.ts";
import { worstOutcome } from "./forecast-parents.ts";

/** What one policy foresees of a Dockerfile. */
export interface ForecastBy {
  readonly policy: PolicyOf;
  readonly document: ForecastDocument;
}

/** How it stands with a Dockerfile at one commit. */
export type FileOutcome = Outcome | "refused" | "absent";

/** A Dockerfile of a pull request as it is to be shown. */
export interface ShownFile {
  readonly file: PullFile;
  readonly before: FileOutcome;
  readonly after: FileOutcome;
  /** Those that are kept; fewer than there were, where not all are. */
  readonly forecastsBefore: readonly ForecastBy[];
  readonly forecastsAfter: readonly ForecastBy[];
  /** Whether all that was foreseen at the head is kept. */
  readonly isWhole: boolean;
  /** Whether it is known in full what there was on the base branch: only then something can be called new here. */
  readonly isBeforeKnown: boolean;
  readonly conclusion: ReturnType<typeof conclusionOfFile>;
}

/**
 * Takes a file together with its documents. Where a document says worse than what was weighed, the worse holds, and the policy's word
 * on the better one doesn't: what nobody weighed is never shown as if it passed.
 */
export function shownFile(file: PullFile, documents: ReadonlyMap<string, ForecastDocument>): ShownFile {
  const { before, after } = file;
  const weighed = worsened(file, documents);
  const forecastsAfter = documentsOf(after, documents);
  const forecastsBefore = documentsOf(before, documents);
  return {
    file: weighed,
    before: outcomeOfState(before, documents),
    after: outcomeOfState(weighed.after, documents),
    forecastsBefore,
    forecastsAfter,
    isWhole: after.kind !== "judged" || forecastsAfter.length === after.forecasts.length,
    isBeforeKnown:
      before.kind === "absent" ||
      (before.kind === "judged" &&
        before.forecasts.length > 0 &&
        before.forecasts.length === forecastsBefore.length &&
        before.forecasts.every(({ standing }) => !standing.isPartial && standing.outcome !== "undetermined") &&
        forecastsBefore.every(({ document }) => document.forecast !== "undetermined" && document.faultsLeftOut === 0)),
    conclusion: conclusionOfFile(weighed),
  };
}

/** What a check says whose files stand so: a file that can't be read makes nothing that could be trusted, and one that is gone nothing at all. */
export function worstOfFiles(outcomes: readonly FileOutcome[]): Outcome {
  return worstOutcome(outcomes.flatMap((each) => (each === "absent" ? [] : [each === "refused" ? "untrusted" : each])));
}

function documentsOf(state: FileState, documents: ReadonlyMap<string, ForecastDocument>): readonly ForecastBy[] {
  if (state.kind !== "judged") return [];
  return state.forecasts.flatMap(({ policy, key }) => {
    const document = documents.get(key);
    return document === undefined ? [] : [{ policy, document }];
  });
}

function outcomeOfState(state: FileState, documents: ReadonlyMap<string, ForecastDocument>): FileOutcome {
  if (state.kind !== "judged") return state.kind;
  // No forecast is nothing judged (RULES R18).
  if (state.forecasts.length === 0) return "untrusted";
  return worstOutcome(state.forecasts.map((each) => outcomeOf(each, documents)));
}

function outcomeOf({ key, standing }: FileForecast, documents: ReadonlyMap<string, ForecastDocument>): Outcome {
  return worstOutcome([standing.outcome, documents.get(key)?.forecast ?? standing.outcome]);
}

function worsened(file: PullFile, documents: ReadonlyMap<string, ForecastDocument>): PullFile {
  const { after, enforced } = file;
  if (after.kind !== "judged") return file;
  const worse = after.forecasts.filter((each) => outcomeOf(each, documents) !== each.standing.outcome);
  if (worse.length === 0) return file;
  return {
    ...file,
    after: {
      kind: "judged",
      forecasts: after.forecasts.map((each) => ({
        ...each,
        standing: { ...each.standing, outcome: outcomeOf(each, documents) },
      })),
    },
    enforced: enforced.filter(({ policy }) => !worse.some((each) => each.policy === policy)),
  };
}
