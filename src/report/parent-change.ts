import { isDigest } from "../image/digest.ts";
import { changeOf, type ParentState } from "../trust/forecast-change.ts";
import type { ParentDocument } from "./forecast-json.ts";
import { outcomeOfParent, type ParentOutcome, worstOutcome } from "./forecast-parents.ts";
import { groupBy } from "./grouping.ts";
import type { ForecastBy } from "./pull-shown.ts";

/** A parent at one commit, by all policies together. */
export interface SeenParent extends ParentState {
  readonly reference: string;
  readonly rule: ParentDocument["rule"];
}

/** What became of one parent; the platforms are those of which it is true. */
export interface ParentChange {
  readonly kind: "gained" | "lost" | "moved" | "judged-otherwise";
  readonly platforms: readonly string[];
  /** On the base branch. */
  readonly from: SeenParent | undefined;
  /** At the head. */
  readonly to: SeenParent | undefined;
}

/** What changed of the images that go in, on all platforms; what is as it was isn't named. */
export function parentChanges(before: readonly ForecastBy[], after: readonly ForecastBy[]): readonly ParentChange[] {
  const { gained, lost, moved, same } = changeOf(seen(before), seen(after));
  const changes: readonly Omit<ParentChange, "platforms">[] = [
    ...gained.map((to) => ({ kind: "gained", from: undefined, to }) as const),
    ...moved.map((pair) => ({ kind: "moved", ...pair }) as const),
    ...same
      .filter(({ from, to }) => from.outcome !== to.outcome)
      .map((pair) => ({ kind: "judged-otherwise", ...pair }) as const),
    ...lost.map((from) => ({ kind: "lost", from, to: undefined }) as const),
  ];
  const alike = groupBy(changes, ({ kind, from, to }) => JSON.stringify([kind, anywhere(from), anywhere(to)]));
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    const platforms = [...new Set(group.flatMap(({ from, to }) => (to ?? from)?.platform ?? []))];
    return first === undefined ? [] : [{ ...first, platforms }];
  });
}

/** One policy may judge what another doesn't ask about: the worst that is said counts. */
function seen(forecasts: readonly ForecastBy[]): readonly SeenParent[] {
  const all = forecasts.flatMap(({ document }) =>
    document.parents.map((parent, i) => ({ parent, outcome: outcomeOfParent(document, i) })),
  );
  const images = groupBy(all, ({ parent: { reference, role, platform, digest } }) =>
    JSON.stringify([reference, role, platform, digest]),
  );
  return [...images.values()].flatMap((group): readonly SeenParent[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { name, tag, digest, role, platform, reference, rule } = first.parent;
    return [
      {
        name,
        tag: tag ?? undefined,
        digest: digest !== null && isDigest(digest) ? digest : undefined,
        role,
        platform,
        outcome: together(group.map(({ outcome }) => outcome)),
        reference,
        rule,
      },
    ];
  });
}

function together(outcomes: readonly ParentOutcome[]): SeenParent["outcome"] {
  const said = outcomes.flatMap((each) => each ?? []);
  return said.length === 0 ? undefined : worstOutcome(said);
}

function anywhere(parent: SeenParent | undefined): unknown {
  return parent && { ...parent, platform: "" };
}
