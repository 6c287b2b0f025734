import { type Document, isAlias, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from "yaml";
import { MAX_FAULTS, PolicyError, type PolicyFault, type PolicyPositions, positionsOf } from "./policy-fault.ts";

/** The largest policy file, in bytes (DESIGN §7). */
const MAX_POLICY_BYTES = 256 * 1024;

/** The most places of a policy that may refer to another: each is looked up in the whole document. */
const MAX_ALIASES = 100;

/** The most copies that one of those places may come to, with aliases inside what an alias refers to. */
const MAX_COPIES = 1000;

/** A policy file, read in the one way that there is. */
export interface PolicyDocument {
  /** Maps, lists, texts, numbers and truth values; not yet of any form. */
  readonly value: unknown;
  readonly positions: PolicyPositions;
  /** What is wrong with the spelling, though a value can be read: whoever uses the value in spite of one uses a guess. */
  readonly faults: readonly PolicyFault[];
}

/**
 * Reads YAML 1.2 as what it says to whoever reviews it: a key once, and as a text; numbers and truth values as they are spelled.
 *
 * @throws {PolicyError} and nothing else, where no value can be read.
 */
export function readPolicyYaml(bytes: Uint8Array, name: string): PolicyDocument {
  const whole = (message: string) => new PolicyError(name, [{ line: 1, column: 1, path: "", message }]);
  if (bytes.length > MAX_POLICY_BYTES) throw whole(`larger than ${MAX_POLICY_BYTES / 1024} KiB`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw whole("not UTF-8");
  }
  const lines = new LineCounter();
  try {
    // The library compares each key with each other one, for half a minute on the largest file: keys are checked below.
    const document = parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: false,
      strict: true,
      version: "1.2",
      merge: false,
    });
    const problems = problemsOf(document, lines);
    const faults = [...problems, ...ambiguitiesOf(document, lines)];
    if (faults.length > MAX_FAULTS)
      throw new PolicyError(name, [
        ...faults.slice(0, MAX_FAULTS),
        faultAt(lines, 0, `and ${faults.length - MAX_FAULTS} more faults`),
      ]);
    if (problems.length > 0) throw new PolicyError(name, faults);
    return { value: contentOf(document, name, faults), positions: positionsOf(document, lines, text), faults };
  } catch (error) {
    if (error instanceof PolicyError) throw error;
    // Aliases of aliases of aliases, or nesting that exhausts the stack.
    throw whole((error as Error).message);
  }
}

function contentOf(document: Document.Parsed, name: string, faults: readonly PolicyFault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_COPIES });
  } catch (error) {
    // An alias that refers to nothing, which has been told.
    throw faults.length === 0 ? error : new PolicyError(name, faults);
  }
}

function problemsOf(document: Document.Parsed, lines: LineCounter): readonly PolicyFault[] {
  return [...document.errors, ...document.warnings].map((problem) => {
    const message = problem.message.split(" at line ")[0]?.split("\n")[0] ?? "not YAML";
    return faultAt(lines, problem.pos[0], message);
  });
}

/** What YAML allows and readers read differently, or not as it looks. */
function ambiguitiesOf(document: Document.Parsed, lines: LineCounter): readonly PolicyFault[] {
  const faults: PolicyFault[] = [];
  const { version } = document.directives.yaml;
  if (version !== "1.2") faults.push(faultAt(lines, 0, `YAML ${version}: policies are YAML 1.2`));
  let aliases = 0;
  visit(document, {
    Map: (_key, map) => void faults.push(...keyFaults(map, lines)),
    Alias: (_key, alias) => {
      aliases++;
      if (aliases > MAX_ALIASES) return visit.BREAK;
      if (alias.resolve(document) === undefined)
        faults.push(faultAt(lines, alias.range?.[0], `*${alias.source} refers to nothing before it`));
      return undefined;
    },
    Scalar: (_key, { value, source, range }) => {
      const isText = typeof value !== "number" && typeof value !== "boolean";
      if (!isText && source !== undefined && String(value) !== source)
        faults.push(
          faultAt(lines, range?.[0], `${source} would be read as ${value}: put it in quotes if it is a text`),
        );
    },
  });
  if (aliases > MAX_ALIASES) faults.push(faultAt(lines, 0, `more than ${MAX_ALIASES} aliases`));
  return faults;
}

function keyFaults(map: YAMLMap, lines: LineCounter): readonly PolicyFault[] {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }) => {
    const range = isScalar(key) || isAlias(key) ? key.range : map.range;
    if (!isScalar(key) || typeof key.value !== "string") {
      return [faultAt(lines, range?.[0], "a key that is no text: put it in quotes")];
    }
    // JavaScript gives this one a meaning of its own, and it would be lost.
    if (key.value === "__proto__") return [faultAt(lines, range?.[0], "unknown key")];
    const isTwice = seen.has(key.value);
    seen.add(key.value);
    return isTwice ? [faultAt(lines, range?.[0], `the key ${key.value} stands twice`)] : [];
  });
}

function faultAt(lines: LineCounter, offset: number | undefined, message: string): PolicyFault {
  const { line, col } = lines.linePos(offset ?? 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1), path: "", message };
}
