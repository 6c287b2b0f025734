import type { ParentDocument } from "./forecast-json.ts";
import { outcomeOfParent, type ParentOutcome, worstOutcome } from "./forecast-parents.ts";
import { groupBy } from "./grouping.ts";
import type { ForecastBy } from "./pull-shown.ts";

/** A parent at one commit, by all policies together. */
export interface ParentState extends Pick<ParentDocument, "name" | "tag" | "role" | "digest" | "reference"> {
  readonly outcome: ParentOutcome;
}

/** What became of one parent; the platforms are those of which it is true. */
export interface ParentChange {
  readonly kind: "gained" | "lost" | "moved" | "judged-otherwise";
  readonly platforms: readonly string[];
  /** On the base branch. */
  readonly before: readonly ParentState[];
  /** At the head. */
  readonly after: readonly ParentState[];
}

/** What changed of the images that go in, told by name and role; what is as it was isn't named. */
export function parentChanges(before: readonly ForecastBy[], after: readonly ForecastBy[]): readonly ParentChange[] {
  const [were, are] = [statesOf(before), statesOf(after)];
  const changes = [...new Set([...are.keys(), ...were.keys()])].flatMap((key) => {
    const [old, now] = [were.get(key)?.states ?? [], are.get(key)?.states ?? []];
    const platform = are.get(key)?.platform ?? were.get(key)?.platform ?? "";
    const kind = kindOf(old, now);
    return kind === undefined ? [] : [{ kind, platform, before: old, after: now }];
  });
  const alike = groupBy(changes, ({ platform: _, ...rest }) => JSON.stringify(rest));
  const order: readonly ParentChange["kind"][] = ["gained", "moved", "judged-otherwise", "lost"];
  return [...alike.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { kind, before: old, after: now } = first;
      return [{ kind, before: old, after: now, platforms: group.map(({ platform }) => platform) }];
    })
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function kindOf(before: readonly ParentState[], after: readonly ParentState[]): ParentChange["kind"] | undefined {
  if (before.length === 0) return "gained";
  if (after.length === 0) return "lost";
  const digests = (states: readonly ParentState[]) =>
    states
      .map(({ reference, digest }) => digest ?? reference)
      .sort()
      .join();
  if (digests(before) !== digests(after)) return "moved";
  const outcomes = (states: readonly ParentState[]) =>
    states
      .map(({ outcome }) => String(outcome))
      .sort()
      .join();
  return outcomes(before) === outcomes(after) ? undefined : "judged-otherwise";
}

/** By name, role and platform: a name may be used with several tags. */
function statesOf(forecasts: readonly ForecastBy[]) {
  const all = forecasts.flatMap(({ document }) =>
    document.parents.map((parent, i) => ({ parent, outcome: outcomeOfParent(document, i) })),
  );
  const keyed = groupBy(all, ({ parent }) => JSON.stringify([parent.name, parent.role, parent.platform]));
  return new Map(
    [...keyed].map(([key, group]) => {
      const images = groupBy(group, ({ parent }) => JSON.stringify([parent.reference, parent.digest]));
      const states = [...images.values()].flatMap((same): readonly ParentState[] => {
        const [first] = same;
        if (first === undefined) return [];
        const { name, tag, role, digest, reference } = first.parent;
        const outcomes = same.flatMap(({ outcome }) => outcome ?? []);
        return [{ name, tag, role, digest, reference, outcome: outcomes.length === 0 ? null : worstOutcome(outcomes) }];
      });
      return [key, { platform: group[0]?.parent.platform ?? "", states }] as const;
    }),
  );
}
