/** What GitHub would take for markup in Markdown of ours: the text without what stands in fences and in code spans. */
export interface Bare {
  /** The lines outside fences, every code span replaced by `C` and every link by `L`. */
  readonly lines: readonly string[];
  /** Where links lead. */
  readonly links: readonly string[];
  /** What stands in code spans, as it would be shown. */
  readonly spans: readonly string[];
  /** Whether every fence that was opened ends. */
  readonly isClosed: boolean;
}

/** Reads fences and code spans as CommonMark does (§4.5, §6.1), by hand: no renderer is at hand that could be asked. */
export function bare(markdown: string): Bare {
  const outside: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split("\n")) {
    const [, ticks] = /^ {0,3}(`{3,})[^`]*$/.exec(line) ?? [];
    if (fence === undefined && ticks !== undefined) fence = ticks;
    else if (fence === undefined) outside.push(line);
    else if (ticks !== undefined && ticks.length >= fence.length && line.trim() === ticks) fence = undefined;
  }
  const links: string[] = [];
  const spans: string[] = [];
  const lines = outside.map((line) =>
    withoutSpans(line, spans).replace(/\[C\]\(([^()\s<>]*)\)|<(https?:[^<>\s]*)>/g, (_, inline, auto) => {
      links.push(inline ?? auto);
      return "L";
    }),
  );
  return { lines, links, spans, isClosed: fence === undefined };
}

function withoutSpans(line: string, spans: string[]): string {
  let shown = "";
  for (let rest = line; rest !== ""; ) {
    const [ticks] = /^`+/.exec(rest) ?? [];
    if (ticks === undefined) {
      const [plain = ""] = /^[^`]+/.exec(rest) ?? [];
      shown += plain;
      rest = rest.slice(plain.length);
      continue;
    }
    const end = new RegExp(`(?<!\`)${ticks}(?!\`)`).exec(rest.slice(ticks.length));
    if (end === null) return `${shown}${rest}`;
    const content = rest.slice(ticks.length, ticks.length + end.index);
    spans.push(/^ .*[^ ].* $|^ [^ ] $/.test(content) ? content.slice(1, -1) : content);
    shown += "C";
    rest = rest.slice(ticks.length * 2 + end.index);
  }
  return shown;
}
