import type { Repository } from "../build/build.ts";
import type { Forecast } from "../trust/forecast.ts";
import type { ForecastStanding } from "../trust/forecast-standing.ts";
import type { ExpectedBuild, Policy } from "../trust/policy.ts";

/** A Dockerfile, and how it would be built. */
export interface Foreseen {
  readonly repository: Repository;
  readonly text: Uint8Array;
  readonly how: Pick<ExpectedBuild, "image" | "target" | "buildArgs" | "contexts"> & {
    readonly platforms: readonly string[];
  };
}

/** What would come of a Dockerfile by one policy; or why BuildKit would refuse it. */
export type Foresight =
  | {
      readonly kind: "forecast";
      readonly forecast: Forecast;
      readonly standing: ForecastStanding;
      readonly document: object;
    }
  | { readonly kind: "refused"; readonly line: number; readonly column: number; readonly reason: string };

/** Says for one policy after the other what would come of a Dockerfile; in their order. @throws Nothing for what it couldn't look at. */
export type Foresee = (file: Foreseen, policies: readonly Policy[]) => Promise<readonly Foresight[]>;
