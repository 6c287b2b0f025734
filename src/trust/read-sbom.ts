import type { AttestedPackages } from "../attestation/packages.ts";
import { parseSbom, SbomError } from "../attestation/sbom.ts";
import type { Statement } from "../attestation/statement.ts";
import type { AcceptedStatement } from "./accepted.ts";
import type { Refusal } from "./finding.ts";
import type { HeldStatement } from "./held-statement.ts";
import type { CouldNotLook } from "./ports.ts";

/** A list of packages that counts as somebody's word. */
export interface AcceptedSbom {
  readonly by: AcceptedStatement;
  /** Whether it is about the index rather than the platform's manifest. */
  readonly coversIndex: boolean;
  readonly packages: AttestedPackages;
}

/** What was found of an image's packages. */
export interface AcceptedSboms {
  readonly sboms: readonly AcceptedSbom[];
  /** Why there may be more, for people. What strangers put there is no reason. */
  readonly unread: readonly string[];
}

/** Reads a list in the word of its signer. @returns a reason if it can't be read, and undefined if it is no list. */
export function readSbom(
  statement: Statement,
  by: AcceptedStatement,
  coversIndex: boolean,
  where: string,
): AcceptedSbom | string | undefined {
  try {
    const packages = parseSbom(statement);
    return packages && { by, coversIndex, packages };
  } catch (error) {
    if (!(error instanceof SbomError)) throw error;
    return `${where}: ${error.message}`;
  }
}

/** The same of a statement that a manifest holds. */
export function readHeldSbom(
  held: HeldStatement | Refusal | undefined,
  by: AcceptedStatement,
): AcceptedSbom | string | undefined {
  if (held === undefined) return undefined;
  return "code" in held ? `${held.where}: ${held.reason}` : readSbom(held.statement, by, false, held.where);
}

/** What several places gave together. */
export function allSboms(
  read: readonly (AcceptedSbom | string | undefined)[],
  failures: readonly CouldNotLook[] = [],
): AcceptedSboms {
  return {
    sboms: read.filter((each) => typeof each === "object"),
    unread: [...failures.map(({ message }) => message), ...read.filter((each) => typeof each === "string")],
  };
}
