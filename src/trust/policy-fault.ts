import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";

/** The most faults that are told one by one: the place of each has to be found. */
export const MAX_FAULTS = 100;

/** One thing that is wrong in a policy file. */
export interface PolicyFault {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Where in the document: `trust.builders[0].images`. */
  readonly path: string;
  readonly message: string;
  /** What stands there, where something does. */
  readonly found?: string;
  /** What may. */
  readonly accepted?: readonly string[];
}

/**
 * A policy that cannot be used. Never treated as "no policy": a default that accepts what the file would have refused must not take
 * its place (DESIGN §4.5).
 */
export class PolicyError extends Error {
  readonly code = "unreadable-policy";
  /** The policy as the person knows it. */
  readonly policy: string;
  readonly faults: readonly PolicyFault[];
  constructor(name: string, faults: readonly PolicyFault[]) {
    super(faults.map((fault) => `${name}:${fault.line}:${fault.column}: ${describeFault(fault)}`).join("\n"));
    this.name = "PolicyError";
    this.policy = name;
    this.faults = faults;
  }
}

/** A fault without its line and column. */
export function describeFault(fault: PolicyFault): string {
  return fault.path === "" ? fault.message : `${fault.path}: ${fault.message}`;
}

/** A place in a policy's text. */
export interface PolicyLine {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The whole line, without the space around it. */
  readonly text: string;
}

/** Finds lines and columns of a parsed YAML document. */
export interface PolicyPositions {
  /** The fault at a path, or at its nearest ancestor that is in the file. */
  at(path: readonly PropertyKey[], message: string): PolicyFault;
  /** The fault at a key itself rather than at its value. */
  atKey(path: readonly PropertyKey[], key: string, message: string): PolicyFault;
  /** Where the key, or the entry of a list, of this path stands; undefined if it isn't in the file. */
  lineOf(path: string): PolicyLine | undefined;
}

/** Positions in this document, of that text. */
export function positionsOf(document: Document.Parsed, lines: LineCounter, text: string): PolicyPositions {
  const fault = (offset: number, path: readonly PropertyKey[], message: string): PolicyFault => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1), path: formatPath(path), message };
  };
  return {
    at(path, message) {
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return fault(node.range[0], path, message);
      }
      return fault(document.contents?.range[0] ?? 0, path, message);
    },
    atKey(path, key, message) {
      const map = path.length === 0 ? document.contents : document.getIn(path, true);
      const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
      const offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
      return offset === undefined ? this.at(path, message) : fault(offset, [...path, key], message);
    },
    lineOf(path) {
      const offset = offsetOf(document, path);
      if (offset === undefined) return undefined;
      const { line, col } = lines.linePos(offset);
      const start = lines.lineStarts[line - 1] ?? 0;
      return { line, column: col, text: text.slice(start, lines.lineStarts[line] ?? text.length).trim() };
    },
  };
}

function offsetOf(document: Document.Parsed, path: string): number | undefined {
  let node: Node | null | undefined = document.contents;
  let offset: number | undefined;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const whole: Node | null | undefined = isAlias(node) ? node.resolve(document) : node;
    if (index !== undefined) {
      const item: unknown = isSeq(whole) ? whole.items[Number(index)] : undefined;
      node = isNode(item) ? item : undefined;
      offset = node?.range?.[0];
    } else {
      const pair: Pair | undefined = isMap(whole)
        ? whole.items.find((item) => isScalar(item.key) && item.key.value === key)
        : undefined;
      node = isNode(pair?.value) ? pair.value : undefined;
      offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    }
    if (offset === undefined) return undefined;
  }
  return offset;
}

/** `trust.builders[0].images` */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
}
