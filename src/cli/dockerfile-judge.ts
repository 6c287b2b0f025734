import { withUnknownTriggers } from "../change/inherited-triggers.ts";
import { type Forecast, type ForecastPorts, forecast } from "../trust/forecast.ts";
import type { Policy } from "../trust/policy.ts";
import type { BuildReading } from "./dockerfile-readings.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";

/** What a build would make by one policy; where a base couldn't be asked what it adds, that is never trusted. */
export async function forecastBuild(
  ports: ForecastPorts,
  policy: Policy,
  readings: readonly BuildReading[],
  now: Date,
): Promise<Forecast> {
  const made = await forecast(ports, policy, readings, now, { newer: true });
  return withUnknownTriggers(
    made,
    readings.flatMap(({ unknown }) => unknown),
  );
}

/** The exit code of forecasts together, by the table of verdicts: the worst of them. */
export function exitCodeOfForecasts(forecasts: readonly Forecast[]): ExitCode {
  const outcomes = forecasts.map(({ outcome }) => outcome);
  if (outcomes.length === 0 || outcomes.includes("untrusted")) return EXIT.untrusted;
  if (!outcomes.includes("undetermined")) return EXIT.trusted;
  // The file names these images itself, as a command line names the one that is asked about.
  const isRefused = forecasts.some(({ unreachable }) =>
    unreachable.some(({ code, path }) => code === "credentials-refused" && path.length === 0),
  );
  return isRefused ? EXIT.credentials : EXIT.undetermined;
}
