import { type Document, isMap, isNode, isScalar, type LineCounter } from "yaml";
import type { z } from "zod";

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
    super(faults.map((fault) => `${name}:${fault.line}:${fault.column}: ${describe(fault)}`).join("\n"));
    this.name = "PolicyError";
    this.policy = name;
    this.faults = faults;
  }
}

function describe(fault: PolicyFault): string {
  return fault.path === "" ? fault.message : `${fault.path}: ${fault.message}`;
}

/** Finds lines and columns of a parsed YAML document. */
export interface PolicyPositions {
  /** The fault at a path, or at its nearest ancestor that is in the file. */
  at(path: readonly PropertyKey[], message: string): PolicyFault;
  /** The fault at a key itself rather than at its value. */
  atKey(path: readonly PropertyKey[], key: string, message: string): PolicyFault;
}

/** Positions in this document. */
export function positionsOf(document: Document.Parsed, lines: LineCounter): PolicyPositions {
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
  };
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${String(part)}`))
    .join("");
}

/** What a schema found wrong, with its place in the file; unknown keys are told one by one, at the key. */
export function schemaFaults(issues: readonly z.core.$ZodIssue[], positions: PolicyPositions): PolicyFault[] {
  const found = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => () => positions.atKey(issue.path, key, "unknown key"))
      : [() => positions.at(issue.path, issue.message)],
  );
  const told = found.slice(0, MAX_FAULTS).map((place) => place());
  const more = found.length - told.length;
  return more === 0 ? told : [...told, positions.at([], `and ${more} more faults`)];
}
