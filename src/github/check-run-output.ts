import type { CheckAction, CheckRunReport } from "../build/ports.ts";

/** GitHub's limits: characters of a title, and bytes of the others, whose characters it doesn't say how it counts. */
const MAX_TITLE_LENGTH = 255;
const MAX_TEXT_BYTES = 65_535;

/** GitHub's limits of buttons: how many, and the characters of each. */
const MAX_ACTIONS = 3;
const MAX_LABEL_LENGTH = 20;
const MAX_DESCRIPTION_LENGTH = 40;
const MAX_IDENTIFIER_LENGTH = 20;

/** What GitHub calls the output of a check run. */
export interface CheckRunOutput {
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
}

/** A report within GitHub's limits, which would refuse the whole of it. What doesn't fit is cut and says where the whole is. */
export function outputOf({ title, summary, text, detailsUrl }: CheckRunReport): CheckRunOutput {
  return {
    title: cutLine(title, MAX_TITLE_LENGTH),
    summary: cutText(summary, detailsUrl),
    ...(text !== undefined && { text: cutText(text, detailsUrl) }),
  };
}

/**
 * Buttons within GitHub's limits.
 * @throws if there are more than three, or an identifier is too long: cut, a click on one could mean another.
 */
export function actionsOf(actions: readonly CheckAction[]): CheckAction[] {
  if (actions.length > MAX_ACTIONS) throw new Error(`a check run has at most ${MAX_ACTIONS} buttons`);
  return actions.map(({ label, description, identifier }) => {
    if (identifier.length > MAX_IDENTIFIER_LENGTH) throw new Error(`too long to identify a button: ${identifier}`);
    return {
      label: cutLine(label, MAX_LABEL_LENGTH),
      description: cutLine(description, MAX_DESCRIPTION_LENGTH),
      identifier,
    };
  });
}

/** A text of one line, cut to so many characters. */
export function cutLine(text: string, most: number): string {
  const whole = text.toWellFormed();
  if (whole.length <= most) return whole;
  // A cut between two halves of a character leaves a lone one.
  return `${whole.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Words that lead to the whole of what is cut, if it is anywhere. */
export function wholeAt(url: string | undefined): string {
  return url === undefined ? "" : `; the whole is at ${url}`;
}

function cutText(text: string, whole: string | undefined): string {
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return text;
  const pointer = `\n\n… cut here, for GitHub shows no more${wholeAt(whole)}\n`;
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
