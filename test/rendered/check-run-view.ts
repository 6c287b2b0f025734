import { marked } from "marked";
import type { CheckRunReport } from "../../src/build/ports.ts";

/** What GitHub's stylesheet does to Markdown of ours: widths, what scrolls by itself and what breaks; its stripes are no concern of ours. */
const STYLE = `
* { box-sizing: border-box; }
body { margin: 0; color: #1f2328; background: #fff; font: 14px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
main { max-width: 1012px; margin: 0 auto; padding: 16px; }
h1 { font-size: 20px; font-weight: 600; margin: 0 0 4px; }
h2 { font-size: 16px; font-weight: 600; margin: 0 0 16px; overflow-wrap: anywhere; }
.markdown-body { overflow-wrap: break-word; margin-bottom: 24px; }
.markdown-body h3 { font-size: 1.25em; margin: 24px 0 16px; font-weight: 600; }
.markdown-body p, .markdown-body ul, .markdown-body ol, .markdown-body table, .markdown-body pre { margin: 0 0 16px; }
.markdown-body ul, .markdown-body ol { padding-left: 2em; }
.markdown-body table { display: block; width: max-content; max-width: 100%; overflow: auto; border-spacing: 0; border-collapse: collapse; }
.markdown-body th, .markdown-body td { padding: 6px 13px; border: 1px solid #d1d9e0; }
.markdown-body code { padding: .2em .4em; font-size: 85%; white-space: break-spaces; background: #818b981f; border-radius: 6px; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.markdown-body pre { padding: 16px; overflow: auto; font-size: 85%; line-height: 1.45; background: #f6f8fa; border-radius: 6px; }
.markdown-body pre code { padding: 0; font-size: 100%; white-space: pre; background: none; }
.markdown-body a { color: #0969da; }
.annotation { border: 1px solid #d1d9e0; border-radius: 6px; margin-bottom: 16px; }
.annotation h3 { margin: 0; padding: 8px 16px; font-size: 14px; background: #f6f8fa; overflow-wrap: anywhere; }
.annotation pre { margin: 0; padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; }
`;

/** The page on which GitHub shows a check run, as far as what we write decides how it looks. */
export function checkRunView(name: string, report: CheckRunReport): string {
  const { title, summary, text = "", annotations = [], actions = [] } = report;
  const notes = annotations.map(({ path, line, level, title, message }) => {
    const head = escaped(`${level}: ${path}#L${line} ${title}`);
    return `<div class="annotation"><h3>${head}</h3><pre tabindex="0">${escaped(message)}</pre></div>`;
  });
  const buttons = actions.map(
    ({ label, description }) => `<button title="${escaped(description)}">${escaped(label)}</button>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(name)}</title><style>${STYLE}</style></head>
<body><main><h1>${escaped(name)}</h1>${buttons.join(" ")}<h2>${escaped(title)}</h2>
<div class="markdown-body">${shown(summary)}</div><div class="markdown-body">${shown(text)}</div>${notes.join("")}</main></body></html>`;
}

/** GitHub lets the keyboard at what scrolls. */
function shown(markdown: string): string {
  return marked
    .parse(markdown, { gfm: true, async: false })
    .replaceAll("<pre>", '<pre tabindex="0">')
    .replaceAll("<table>", '<table tabindex="0">');
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
