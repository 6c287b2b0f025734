import type { Annotation, CheckRunReport } from "../build/ports.ts";
import { cutLine, wholeAt } from "./check-run-output.ts";

/** GitHub takes no more in one request; later ones are added to those that are there. */
export const ANNOTATIONS_A_REQUEST = 50;

/** Most that are written for a check run: each portion is a write, and whoever opens a pull request chooses how many lines it has. */
const MAX_ANNOTATIONS = 300;

/** GitHub's limits: characters of a title, and bytes of a message, whose 64 KB it doesn't say how it counts. */
const MAX_TITLE_LENGTH = 255;
const MAX_MESSAGE_BYTES = 64_000;

/** GitHub's levels, the worst last. */
const LEVELS: readonly Annotation["level"][] = ["notice", "warning", "failure"];

/** An annotation as GitHub takes it. */
export interface AnnotationBody {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: Annotation["level"];
  readonly title: string;
  readonly message: string;
}

/** A report's annotations within GitHub's limits, which would refuse all of them for one. What doesn't fit is cut and says where the whole is. */
export function annotationsOf({ annotations = [], detailsUrl }: CheckRunReport): readonly AnnotationBody[] {
  const [first, ...others] = annotations.slice(MAX_ANNOTATIONS - 1);
  const shown =
    first === undefined || others.length === 0
      ? annotations
      : [...annotations.slice(0, MAX_ANNOTATIONS - 1), restOf([first, ...others], detailsUrl)];
  return shown.map(({ path, line, endLine, level, title, message }) => ({
    path,
    start_line: line,
    end_line: Math.max(line, endLine),
    annotation_level: level,
    title: cutLine(title, MAX_TITLE_LENGTH),
    message: cutMessage(message, detailsUrl),
  }));
}

/** One in place of many: on the lines of the first, and as grave as the worst. */
function restOf(rest: readonly [Annotation, ...(readonly Annotation[])], whole: string | undefined): Annotation {
  const level = LEVELS.findLast((each) => rest.some((one) => one.level === each)) ?? "failure";
  return {
    ...rest[0],
    level,
    title: `${rest.length} more`,
    message: `From here on ${rest.length} more are not shown${wholeAt(whole)}.`,
  };
}

function cutMessage(message: string, whole: string | undefined): string {
  const bytes = Buffer.from(message.toWellFormed());
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  const pointer = `\n… cut here, for GitHub shows no more${wholeAt(whole)}`;
  const room = MAX_MESSAGE_BYTES - Buffer.byteLength(pointer);
  // A character that is cut in two waits for its other half.
  return new TextDecoder().decode(bytes.subarray(0, room), { stream: true }) + pointer;
}
