import type { PolicyOf } from "../change/pull.ts";
import type { ForecastDocument, ForecastFaultDocument, ParentDocument } from "./forecast-json.ts";
import { resolvedReference } from "./forecast-parents.ts";
import { groupBy } from "./grouping.ts";
import type { ShownFile } from "./pull-shown.ts";

/** A fault of a Dockerfile, or something that could not be looked at; once over all platforms and policies. */
export interface ShownFault extends Pick<ForecastFaultDocument, "code" | "reason" | "mend" | "lines"> {
  readonly file: ShownFile;
  /** Whose policies see it. */
  readonly policies: readonly PolicyOf[];
  /** The parent that it comes in by; undefined where it is none's. */
  readonly parent: ParentDocument | undefined;
  readonly platforms: readonly string[];
  /** From the parent to the ancestor whose fault it is; empty where it is the parent's own. */
  readonly path: ForecastFaultDocument["path"];
  /** Whether the base branch hadn't it; undefined where that isn't known. */
  readonly isNew: boolean | undefined;
  /** Whether every policy that sees it lets it pass (RULES R35). */
  readonly isPassed: boolean;
}

/** The faults of a file, those that are new first; else in the order of the file. */
export function faultsOf(file: ShownFile): readonly ShownFault[] {
  const all = shown(file, ({ faults }) => faults);
  return [...all.filter(({ isNew }) => isNew === true), ...all.filter(({ isNew }) => isNew !== true)];
}

/** What could not be looked at. */
export function unreachableOf(file: ShownFile): readonly ShownFault[] {
  return shown(file, ({ unreachable }) => unreachable);
}

function shown(
  file: ShownFile,
  listOf: (document: ForecastDocument) => readonly ForecastFaultDocument[],
): readonly ShownFault[] {
  const before = new Set(
    file.forecastsBefore.flatMap(({ policy, document }) =>
      document.faults.map(({ key }) => JSON.stringify([policy, key])),
    ),
  );
  const told = file.forecastsAfter.flatMap(({ policy, document }) =>
    listOf(document).map((fault) => {
      const isKnown = before.has(JSON.stringify([policy, fault.key]));
      const isNew = isKnown ? false : file.isBeforeKnown ? true : undefined;
      return { policy, fault, parent: parentOf(fault, document), isNew };
    }),
  );
  const alike = groupBy(told, ({ fault, parent }) =>
    JSON.stringify([
      fault.code,
      fault.reason,
      fault.mend,
      fault.lines,
      fault.path,
      parent && [parent.reference, parent.role, parent.digest],
    ]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { code, reason, mend, lines, path } = first.fault;
    return [
      {
        file,
        code,
        reason,
        mend,
        lines,
        path,
        parent: first.parent,
        platforms: [...new Set(group.flatMap(({ parent }) => parent?.platform ?? []))],
        policies: [...new Set(group.map(({ policy }) => policy))],
        isNew: group.some(({ isNew }) => isNew === true) ? true : first.isNew,
        isPassed: group.every((each) => isPassed(file, each.policy, each.fault.grave, each.isNew)),
      },
    ];
  });
}

function parentOf({ parent }: ForecastFaultDocument, { parents }: ForecastDocument): ParentDocument | undefined {
  return parent === null ? undefined : parents[parent];
}

function isPassed({ file }: ShownFile, by: PolicyOf, isGrave: boolean, isNew: boolean | undefined): boolean {
  const said = file.enforced.filter(({ policy }) => policy === by);
  if (said.length === 0 || isGrave) return false;
  return said.every(
    // The policy fails, or can't say, for another reason: what it lets pass by itself is told as what it is.
    ({ mode, conclusion }) => conclusion === "success" || mode === "report" || (mode === "ratchet" && isNew === false),
  );
}

/** `base docker.io/library/node:20@sha256:…`, for whoever shows it: the image whose fault it is, and the parent that it is under. */
export function subjectOf({ path, parent, code }: ShownFault): { readonly image: string; readonly under?: string } {
  const last = path.at(-1);
  const named = parent === undefined ? undefined : resolvedReference(parent);
  if (last === undefined) return { image: named ?? code };
  return named === undefined ? { image: last.reference } : { image: last.reference, under: named };
}
