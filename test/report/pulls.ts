import type { FileForecast, FileState, PolicyOf, PullCheck, PullFile, PullOutcome } from "../../src/change/pull.ts";
import { type ForecastDocument, forecastDocument } from "../../src/report/forecast-json.ts";
import type { Forecast } from "../../src/trust/forecast.ts";

/** A file's state, and the documents of its forecasts. */
export interface State {
  readonly state: FileState;
  readonly documents: ReadonlyMap<string, ForecastDocument>;
}

/** A file of which this is foreseen, by each policy. */
export function judged(forecasts: Partial<Record<PolicyOf, Forecast>> | Forecast): State {
  const by: readonly (readonly [string, Forecast])[] =
    "outcome" in forecasts ? [["repository", forecasts as Forecast]] : Object.entries(forecasts);
  const all = by.map(([policy, forecast]) => ({ policy: policy as PolicyOf, forecast, key: keyOf(policy, forecast) }));
  return {
    state: { kind: "judged", forecasts: all.map(({ policy, forecast, key }) => fileForecast(policy, forecast, key)) },
    documents: new Map(all.map(({ forecast, key }) => [key, forecastDocument(forecast)])),
  };
}

/** A file that isn't there. */
export const absent: State = { state: { kind: "absent" }, documents: new Map() };

/** A file that BuildKit refuses. */
export const refused: State = {
  state: { kind: "refused", line: 7, column: 3, reason: "unknown instruction: FORM" },
  documents: new Map(),
};

/** What one policy's word makes of a file. */
export function weighed(
  mode: PullFile["enforced"][number]["mode"],
  conclusion: PullFile["enforced"][number]["conclusion"],
  policy: PolicyOf = "repository",
): PullFile["enforced"][number] {
  return { policy, mode, conclusion, reason: "for a reason" };
}

/** A file of a pull request, with what it was and is. */
export interface Given extends Partial<Omit<PullFile, "before" | "after">> {
  readonly before?: State;
  readonly after: State;
}

/** A check that has judged these files, and the documents that belong to it. */
export function judgedCheck(
  verdict: Extract<PullOutcome, { readonly kind: "judged" }>["verdict"],
  files: readonly Given[],
  given: Partial<PullCheck> = {},
): { readonly check: PullCheck; readonly documents: ReadonlyMap<string, ForecastDocument> } {
  const all = files.map(
    ({ before = absent, after, ...rest }): PullFile => ({
      path: "Dockerfile",
      previousPath: undefined,
      isTouched: true,
      build: undefined,
      platforms: ["linux/amd64"],
      enforced: [],
      ...rest,
      before: before.state,
      after: after.state,
    }),
  );
  return {
    check: check({
      outcome: { kind: "judged", verdict, files: all },
      settledAt: new Date("2027-02-01T12:00:09Z"),
      ...given,
    }),
    documents: new Map(files.flatMap(({ before = absent, after }) => [...before.documents, ...after.documents])),
  };
}

/** A check that has not ended, unless said otherwise. */
export function check(given: Partial<PullCheck> = {}): PullCheck {
  return {
    id: "4f0e2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c",
    repository: { id: 42, ownerId: 77, owner: "acme", name: "app", installation: 7, isPrivate: false },
    number: 12,
    head: { commit: "d".repeat(40), branch: "newer-node", repository: { id: 43, owner: "octocat", name: "app" } },
    base: { commit: "e".repeat(40), branch: "main" },
    generation: 1,
    outcome: undefined,
    waiting: undefined,
    failures: 0,
    createdAt: new Date("2027-02-01T11:57:03Z"),
    settledAt: undefined,
    ...given,
  };
}

function fileForecast(
  policy: PolicyOf,
  { outcome, faults, unreachable, asOf, validUntil }: Forecast,
  key: string,
): FileForecast {
  const standing = faults.map((fault) => ({ key: fault.key, code: fault.code, isGrave: fault.isGrave }));
  return { policy, key, standing: { outcome, faults: standing, isPartial: unreachable.length > 0, asOf, validUntil } };
}

function keyOf(policy: string, forecast: Forecast): string {
  return JSON.stringify([policy, forecastDocument(forecast)]);
}
