import { MAX_EXPANSION_STEPS } from "./expansion.ts";
import { readInstructions } from "./instructions.ts";
import {
  DockerfileError,
  type DockerfileReading,
  type DockerfileRequest,
  type ImageUse,
  type Lines,
  type OtherUse,
  type Stage,
  type UnresolvedUse,
  type UseRole,
} from "./reading.ts";
import { readSource } from "./source.ts";

/** What other builds make that stand in for images of this one (`target:NAME` as a build context), by their names. */
export type BuiltContexts = ReadonlyMap<string, BuiltContext>;

/** Another build of the same run. */
export interface BuiltContext {
  /** With what stands in for its own images put in. */
  readonly reading: DockerfileReading;
  /** Whether what it makes may have instructions for the build on it, which nobody sees in its reading. */
  readonly hasTriggers: boolean;
}

const PREFIX = "target:";

/**
 * Puts what other builds use in the place of what they make: it goes into this one as well, at the line that names them. What lies
 * under a base lies under this build too; everything else is an input of it. A build that isn't among them, or that may leave
 * instructions to those on it, stays unresolved.
 */
export function putBuiltContexts(reading: DockerfileReading, built: BuiltContexts): DockerfileReading {
  const standIns = reading.unresolved.map((use) => ({ use, context: contextOf(use, built) }));
  if (standIns.every(({ context }) => context === undefined)) return reading;
  const images: ImageUse[] = [...reading.images];
  const unresolved: UnresolvedUse[] = [];
  const others: OtherUse[] = [...reading.others];
  const scratch = new Set<number>();
  for (const { use, context } of standIns) {
    if (context === undefined) {
      const isSilent = built.get(use.written.slice(PREFIX.length))?.hasTriggers === true;
      const why = isSilent ? "it is what another target builds, which may add instructions to this (ONBUILD)" : use.why;
      unresolved.push({ ...use, why });
      continue;
    }
    const under = stageUnder(context);
    const moved = <T extends Lines & { readonly isReached: boolean }>(each: T) => ({
      ...each,
      ...{ line: use.line, endLine: use.endLine, stage: use.stage, isReached: use.isReached },
    });
    const roleOf = (each: { readonly role: UseRole; readonly line: number }): UseRole => {
      if (each.role !== "base") return each.role;
      return use.role === "base" && (under === undefined || each.line === under.line) ? "base" : "input";
    };
    for (const each of context.images.filter(({ isReached }) => isReached))
      images.push({ ...moved(each), role: roleOf(each), by: "context", written: use.written, place: undefined });
    for (const each of context.unresolved.filter(({ isReached }) => isReached))
      unresolved.push({ ...moved(each), role: roleOf(each), by: "context" });
    others.push(...context.others.filter(({ isReached }) => isReached).map(moved));
    if (use.role === "base" && under?.isScratch === true) scratch.add(use.line);
  }
  const byLine = <T extends Lines>(uses: readonly T[]) => uses.toSorted((a, b) => a.line - b.line);
  return {
    ...reading,
    images: byLine(images),
    unresolved: byLine(unresolved),
    others: byLine(others),
    stages: reading.stages.map((stage) => (scratch.has(stage.line) ? { ...stage, isScratch: true } : stage)),
  };
}

/** The builds that stand in for something of this one. */
export function builtContextsOf({ contexts = {} }: Pick<DockerfileRequest, "contexts">): readonly string[] {
  return Object.values(contexts).flatMap((value) => (value.startsWith(PREFIX) ? [value.slice(PREFIX.length)] : []));
}

/** Whether a file may leave instructions to builds on what it makes: any `ONBUILD` in it, and any language but Docker's. */
export function mayLeaveTriggers(text: Uint8Array): boolean {
  try {
    const source = readSource(new TextDecoder("utf-8", { ignoreBOM: true }).decode(text));
    const { list } = readInstructions(source, { steps: MAX_EXPANSION_STEPS });
    return list.some(({ name }) => name === "ONBUILD");
  } catch (error) {
    if (error instanceof DockerfileError) return true;
    throw error;
  }
}

function contextOf(use: UnresolvedUse, built: BuiltContexts): DockerfileReading | undefined {
  if (use.by !== "context" || !use.written.startsWith(PREFIX) || use.role === "frontend") return undefined;
  const context = built.get(use.written.slice(PREFIX.length));
  return context === undefined || context.hasTriggers ? undefined : context.reading;
}

/** The stage that lies under what is built; undefined where it can't be told, and every base may. */
function stageUnder({ stages, target }: DockerfileReading): Stage | undefined {
  const named = stages.filter(
    ({ name, index }) => name?.toLowerCase() === target.toLowerCase() || `${index}` === target,
  );
  let [stage] = named;
  if (named.length !== 1) return undefined;
  while (stage?.from !== undefined) {
    const { from, index } = stage;
    stage = from < index ? stages.find((each) => each.index === from) : undefined;
  }
  return stage;
}
