import { type DocumentFault, faultGroups, wayTo } from "./faults.ts";
import type { VerdictDocument } from "./json.ts";
import { printable } from "./printable.ts";

/** How many annotations of one kind GitHub shows of a step. @see https://docs.github.com/actions/reference/limits */
const MAX_ANNOTATIONS = 10;

/** Characters that the runner's comparison may pass over, as if they weren't there. */
const IGNORED = "[\\p{Default_Ignorable_Code_Point}\\p{M}]*";
/** Where the runner of GitHub Actions would see a command: `::` first in a line, behind blanks, and `##[` anywhere in it. */
const FIRST = new RegExp(`^([\\s\\p{Default_Ignorable_Code_Point}\\p{M}]*):(?=${IGNORED}:)`, "gmu");
const ANYWHERE = new RegExp(`#(${IGNORED})#(${IGNORED})\\[`, "gu");

/**
 * A text of any number of lines in which the runner sees no command, whoever wrote parts of it: a name could mask words in the log, or
 * stop the annotations of whoever comes later. Both changes are escapes of JSON, so that a JSON text means the same.
 *
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function withoutCommands(text: string): string {
  return text.replace(FIRST, "$1\\u003a").replace(ANYWHERE, "#$1#$2\\u005b");
}

/** What an annotation is; GitHub shows each in its colour. */
export type AnnotationKind = "error" | "warning" | "notice";

/** A workflow command that makes an annotation: one line, whatever the texts of strangers in it hold. */
export function annotation(kind: AnnotationKind, title: string, message: string): string {
  return `::${kind} title=${escapedProperty(title)}::${escapedData(message)}`;
}

/** The annotations of a verdict, one for each thing to mend; none for one that is trusted. */
export function verdictAnnotations(document: VerdictDocument): readonly string[] {
  const { verdict, image, faults, unreachable, nodes } = document;
  if (verdict === "trusted") return [];
  const of = (kind: AnnotationKind, told: readonly DocumentFault[]) => {
    const groups = faultGroups(told);
    const shown = groups.length > MAX_ANNOTATIONS ? groups.slice(0, MAX_ANNOTATIONS - 1) : groups;
    const left = groups.length - shown.length;
    return [
      ...shown.map(([first, ...others]) => {
        const way = wayTo(first, nodes).map(({ role, name }) => (role === null ? name : `${role} ${name}`));
        const lines = [
          image.reference,
          ...(way.length < 2 ? [] : [way.join(" → ")]),
          ...(others.length === 0 ? [] : [`and ${others.length} more alike`]),
          first.reason,
          ...(first.mend === "" ? [] : [`mend: ${first.mend}`]),
        ];
        return annotation(kind, `${verdict}, ${first.code}`, lines.map(printable).join("\n"));
      }),
      ...(left === 0
        ? []
        : [annotation(kind, verdict, `${printable(image.reference)}: ${left} other faults are in the log`)]),
    ];
  };
  const told = [...of("error", faults), ...of("warning", unreachable)];
  return told.length > 0 ? told : [annotation("error", verdict, printable(image.reference))];
}

function escapedData(text: string): string {
  return withoutCommands(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escapedData(printable(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
