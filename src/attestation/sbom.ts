import { JsonError, type JsonErrorCode } from "../image/json.ts";
import { readCycloneDx } from "./cyclonedx.ts";
import type { AttestedPackages } from "./packages.ts";
import { readSpdx } from "./spdx.ts";
import type { Statement } from "./statement.ts";

const SPDX = "https://spdx.dev/Document";
const CYCLONEDX = "https://cyclonedx.org/bom";

/** The predicate type says that it is an SBOM, and it can't be read as one. */
export class SbomError extends Error {
  readonly code: JsonErrorCode;
  constructor(predicateType: string, { code, message }: JsonError, options?: ErrorOptions) {
    super(`read an SBOM (${predicateType}): ${message}`, options);
    this.name = "SbomError";
    this.code = code;
  }
}

/** Whether the predicate type is one of an SBOM that is read: both formats put their version behind the name, or leave it out. */
export function isSbomType(predicateType: string): boolean {
  return formatOf(predicateType) !== undefined;
}

/**
 * Reads the predicate of a statement as a list of packages (SPDX 2.2 and 2.3, CycloneDX 1.4 to 1.6, as JSON).
 *
 * It is its author's word about the image and proves nothing of it: a package that it leaves out may be there all the same.
 *
 * @returns undefined if the statement is no SBOM of these formats.
 * @throws {SbomError} and nothing else.
 */
export function parseSbom({ predicateType, predicate }: Statement): AttestedPackages | undefined {
  const read = formatOf(predicateType);
  if (read === undefined) return undefined;
  try {
    return read(predicate);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new SbomError(predicateType.slice(0, 100), cause, { cause });
  }
}

function formatOf(predicateType: string): ((predicate: unknown) => AttestedPackages) | undefined {
  if (isOf(SPDX, predicateType)) return readSpdx;
  return isOf(CYCLONEDX, predicateType) ? readCycloneDx : undefined;
}

function isOf(format: string, predicateType: string): boolean {
  return (
    predicateType === format ||
    (/^\/v?\d+(?:\.\d+)?$/.test(predicateType.slice(format.length)) && predicateType.startsWith(format))
  );
}
