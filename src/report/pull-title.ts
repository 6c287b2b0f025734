import type { Outcome } from "../trust/verdict.ts";
import { several } from "./ancestry-words.ts";
import { parentRows } from "./forecast-parents.ts";
import { printable } from "./printable.ts";
import { faultsOf, type ShownFault, subjectOf, unreachableOf } from "./pull-faults.ts";
import type { ShownFile } from "./pull-shown.ts";
import { shortReference } from "./short-reference.ts";

/** Codes that say of an image what it is. */
const ADJECTIVES: readonly string[] = ["unattested", "refused", "opaque", "unresolved", "malformed", "revoked"];

/** The outcome of a check in one line, for a list of checks: what is wrong, where, and whether this pull request brought it in. */
export function pullTitle(files: readonly ShownFile[], outcome: Outcome, conclusion: string, failures: number): string {
  switch (outcome) {
    case "trusted":
      return trustedTitle(files);
    case "untrusted":
      return untrustedTitle(files, conclusion);
    case "undetermined": {
      const open = files.flatMap(unreachableOf);
      const tries = failures === 0 ? "" : `, after ${failures} ${failures === 1 ? "try" : "tries"}`;
      const [first] = open;
      if (first === undefined) return `undetermined: could not look${tries}`;
      return `undetermined: could not look at ${namedIn(first, files)}${andOthers(open.length - 1, "thing")}${tries}`;
    }
  }
}

/** Behind the first word of what passes all the same: a green check must not be read as trusted. */
export function passedWords(files: readonly ShownFile[], conclusion: string): string {
  if (conclusion !== "success") return "";
  const modes = files
    .filter(({ after }) => after !== "trusted" && after !== "absent")
    .flatMap(({ file }) => file.enforced.map(({ mode }) => mode));
  return modes.includes("ratchet") ? " (no worse than before)" : " (reported only)";
}

function trustedTitle(files: readonly ShownFile[]): string {
  const there = files.filter(({ after }) => after !== "absent");
  if (there.length === 0) return `trusted: ${several(files.length, "Dockerfile")} taken away, and none left to judge`;
  const documents = there.flatMap(({ forecastsAfter }) => forecastsAfter.map(({ document }) => document));
  const images = new Set(documents.flatMap((document) => parentRows(document).map(({ first }) => first.reference)));
  const levels = documents.flatMap(({ level }) => level ?? []);
  const gone = there.some(({ before }) => before === "untrusted" || before === "refused");
  return [
    `trusted${gone ? ", and wasn't before" : ""}: ${images.size === 0 ? "no image goes" : `${several(images.size, "image")} ${images.size === 1 ? "goes" : "go"}`} in, by ${several(there.length, "Dockerfile")}`,
    ...(levels.length === 0 ? [] : [`level ${Math.min(...levels)}`]),
  ].join(", ");
}

function untrustedTitle(files: readonly ShownFile[], conclusion: string): string {
  const word = `untrusted${passedWords(files, conclusion)}`;
  const refused = files.find(({ after }) => after === "refused");
  const faults = files.flatMap(faultsOf);
  // What keeps the check from passing comes before what is let pass.
  const first = faults.find(({ isPassed }) => !isPassed) ?? faults[0];
  if (refused?.file.after.kind === "refused" && (first === undefined || first.isPassed)) {
    const { line, column } = refused.file.after;
    return `${word}: ${printable(refused.file.path)} can't be read, line ${line}, column ${column}${andOthers(faults.length, "fault")}`;
  }
  if (first === undefined) return word;
  const isAdjective = ADJECTIVES.includes(first.code);
  const what = isAdjective
    ? `${namedIn(first, files)} is ${first.code}`
    : `${namedIn(first, files)}: ${printable(first.code)}`;
  const others = faults.length - 1 + (refused === undefined ? 0 : 1);
  return `${word}: ${what}${first.isNew === true ? ", and new here" : ""}${andOthers(others, "fault")}`;
}

/** `docker.io/library/debian:12 under docker.io/library/node:20 in web/Dockerfile`; the file only where there are several. */
function namedIn(fault: ShownFault, files: readonly ShownFile[]): string {
  const { image, under } = subjectOf(fault);
  const [line] = fault.lines;
  const short = (reference: string) => shortReference(reference).replace(/@[0-9a-f]+$/, "");
  const named =
    fault.parent === undefined
      ? `line ${line?.line ?? "?"}`
      : `${short(image)}${under === undefined ? "" : ` under ${short(under)}`}`;
  const isOneOfSeveral = files.filter(({ after }) => after !== "absent").length > 1 || fault.parent === undefined;
  return `${named}${isOneOfSeveral ? ` of ${printable(fault.file.file.path)}` : ""}`;
}

function andOthers(count: number, noun: string): string {
  return count <= 0 ? "" : `, and ${several(count, `other ${noun}`)}`;
}
