import type { PullRequestWriter } from "../change/ports.ts";

type Suggestion = Parameters<PullRequestWriter["suggest"]>[2]["suggestions"][number];

/**
 * A comment on lines of a pull request's head that GitHub offers to take over. The fence is longer than any run of backticks in the lines:
 * they come out of a stranger's file, and what ended the block early would be Markdown in our name.
 */
export function reviewComment({ path, line, endLine, lines, body }: Suggestion) {
  const longest = Math.max(2, ...(lines.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  const text = lines.replace(/\r?\n$/, "");
  return {
    path,
    line: endLine,
    side: "RIGHT",
    // GitHub refuses a stretch of one line.
    ...(line < endLine && { start_line: line, start_side: "RIGHT" }),
    body: `${body === "" ? "" : `${body}\n\n`}${fence}suggestion\n${text}\n${fence}`,
  } as const;
}
