import type { CheckRunReport } from "../build/ports.ts";

/** GitHub's limits: characters of a title, and bytes of the others, whose characters it doesn't say how it counts. */
const MAX_TITLE_LENGTH = 255;
const MAX_TEXT_BYTES = 65_535;

/** What GitHub calls the output of a check run. */
export interface CheckRunOutput {
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
}

/** A report within GitHub's limits, which would refuse the whole of it. What doesn't fit is cut and says where the whole is. */
export function outputOf({ title, summary, text, detailsUrl }: CheckRunReport): CheckRunOutput {
  return {
    title: cutTitle(title),
    summary: cutText(summary, detailsUrl),
    ...(text !== undefined && { text: cutText(text, detailsUrl) }),
  };
}

function cutTitle(title: string): string {
  if (title.length <= MAX_TITLE_LENGTH) return title;
  // A cut between two halves of a character leaves a lone one.
  return `${title.slice(0, MAX_TITLE_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

function cutText(text: string, whole: string | undefined): string {
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return text;
  const pointer = `\n\n… cut here, for GitHub shows no more${whole === undefined ? "" : `; the whole is at ${whole}`}\n`;
  let room = MAX_TEXT_BYTES - Buffer.byteLength(pointer);
  let kept = "";
  let fence = "";
  for (const line of text.split(/(?<=\n)/)) {
    const next = fenceAfter(fence, line);
    // A fence that stays open needs room to be closed, or the pointer would be shown as code.
    const closing = next === "" ? 0 : next.length + 1;
    if (Buffer.byteLength(line) + closing > room) break;
    kept += line;
    room -= Buffer.byteLength(line);
    fence = next;
  }
  return `${kept.trimEnd()}${fence === "" ? "" : `\n${fence}`}${pointer}`;
}

/** The fence that is open after a line, as what closes it; "" if none is. */
function fenceAfter(open: string, line: string): string {
  const [, fence = "", rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/s.exec(line) ?? [];
  if (fence === "") return open;
  if (open === "") return fence;
  return fence[0] === open[0] && fence.length >= open.length && rest.trim() === "" ? "" : open;
}
