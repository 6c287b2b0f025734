/** The one stylesheet of every page; its hash is in the policy that browsers hold the pages to. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #1b2230; --soft: #5a6475; --line: #dfe3ea; --link: #1f5fbf; --code: #eef1f5;
  --good: #17694a; --good-ground: #e5f4ec; --good-line: #b4dcc7;
  --bad: #a3262f; --bad-ground: #fcebea; --bad-line: #efc2c0;
  --unknown: #7d5200; --unknown-ground: #fdf3dd; --unknown-line: #ecd6a0;
  --root: #3b4fa0; --root-ground: #eaedfb; --root-line: #c3cbef;
  --busy: #3d5573; --busy-ground: #e9eff7; --busy-line: #c6d3e4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --card: #1a202a; --ink: #e6eaf1; --soft: #9aa6b8; --line: #2e3745; --link: #8ab6f9; --code: #252d39;
    --good: #7fd6ab; --good-ground: #12291f; --good-line: #24513c;
    --bad: #ff9d98; --bad-ground: #351a1c; --bad-line: #6a3033;
    --unknown: #efc368; --unknown-ground: #2f2611; --unknown-line: #5c4a1e;
    --root: #b0bdff; --root-ground: #1d2340; --root-line: #37427a;
    --busy: #a8c3e6; --busy-ground: #192433; --busy-line: #30455f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif;
}
.wide { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
main.wide { padding-bottom: 2rem; }
header.top { padding: 1.25rem 0 1rem; }
header.top .wide { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline; justify-content: space-between; }
.brand { font-weight: 650; letter-spacing: -0.01em; }
.crumb { color: var(--soft); font-size: 0.9375rem; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; font-weight: 680; }
h2 { margin: 2.25rem 0 0.75rem; font-size: 1.1875rem; line-height: 1.3; letter-spacing: -0.01em; font-weight: 650; }
h3 { margin: 0; font-size: 1rem; line-height: 1.4; font-weight: 600; }
p { margin: 0.5rem 0 0; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 0.15em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", "Liberation Mono", monospace; }
code { font-size: 0.875em; overflow-wrap: anywhere; unicode-bidi: isolate; }
ul, ol, dl { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.soft { color: var(--soft); }
.small { font-size: 0.875rem; }
time { white-space: nowrap; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; }
.card + .card, .box + .card { margin-top: 0.75rem; }
.box { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
section > p + .box, section > p + .card { margin-top: 0.75rem; }

.good { --mark: var(--good); --tint: var(--good-ground); --edge: var(--good-line); }
.bad { --mark: var(--bad); --tint: var(--bad-ground); --edge: var(--bad-line); }
.unknown, .undermined { --mark: var(--unknown); --tint: var(--unknown-ground); --edge: var(--unknown-line); }
.root { --mark: var(--root); --tint: var(--root-ground); --edge: var(--root-line); }
.busy { --mark: var(--busy); --tint: var(--busy-ground); --edge: var(--busy-line); }

.banner { background: var(--tint); border: 1px solid var(--edge); border-radius: 14px; padding: 1.5rem; display: flex; gap: 1.125rem; }
.banner svg { flex: none; width: 2.75rem; height: 2.75rem; color: var(--mark); }
.banner h1 { color: var(--mark); }
.banner .of { font-size: 1.0625rem; overflow-wrap: anywhere; }
.banner > div { min-width: 0; }
.banner p, .card { overflow-wrap: anywhere; }
.mark { color: var(--mark); font-weight: 600; overflow-wrap: anywhere; }
td .mark { white-space: nowrap; }

.fault { border-left: 4px solid var(--mark); }
.fault h3 { display: flex; flex-wrap: wrap; gap: 0.25rem 0.625rem; align-items: baseline; }
.way { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 0.5rem; margin-top: 0.625rem; }
.way li { display: flex; flex-wrap: wrap; gap: 0 0.375rem; align-items: baseline; }
.way li + li::before { content: "\\2192"; color: var(--soft); }
.way li:last-child code { color: var(--mark); font-weight: 600; }
.why { margin-top: 0.75rem; display: grid; gap: 0.375rem 1rem; }
.why dt { color: var(--soft); font-size: 0.875rem; }
.why dd { margin: 0; overflow-wrap: anywhere; }

.steps { display: grid; padding: 1rem 1.25rem; }
.steps li { position: relative; padding: 0 0 1rem 2rem; }
.steps li:last-child { padding-bottom: 0; }
.steps li:not(:last-child)::before { content: ""; position: absolute; left: 0.5625rem; top: 1.625rem; bottom: 0; width: 2px; background: var(--line); }
.steps svg { position: absolute; left: 0; top: 0.1875rem; width: 1.25rem; height: 1.25rem; color: var(--mark, var(--soft)); }
.steps .name { font-weight: 600; }
.steps .later .name { font-weight: 400; color: var(--soft); }
.steps .note { color: var(--soft); font-size: 0.8125rem; line-height: 1.45; }

.facts { display: grid; padding: 0.375rem 1.25rem; }
.facts div { display: grid; gap: 0 1rem; padding: 0.5625rem 0; border-top: 1px solid var(--line); }
.facts div:first-child { border-top: 0; }
.facts dt { color: var(--soft); font-size: 0.875rem; }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.facts dd + dd { margin-top: 0.25rem; }

.tree { padding: 1rem 1.25rem; }
.tree > ul > li + li { margin-top: 1.25rem; }
.tree li { min-width: 15rem; }
.tree ul ul { margin-left: 0.4375rem; }
.tree ul ul > li { position: relative; padding: 0.875rem 0 0 1.25rem; }
.tree ul ul > li::before { content: ""; position: absolute; left: 0; top: 0; width: 0.875rem; height: 1.625rem; border: solid var(--line); border-width: 0 0 2px 2px; border-bottom-left-radius: 6px; }
.tree ul ul > li:not(:last-child)::after { content: ""; position: absolute; left: 0; top: 0; bottom: 0; border-left: 2px solid var(--line); }
.tree .node { overflow-wrap: anywhere; }
.tree .node code { font-weight: 600; }
.tree .detail { color: var(--soft); font-size: 0.8125rem; line-height: 1.45; overflow-wrap: anywhere; }

.card.numbered { list-style: decimal; padding-left: 2.5rem; }
.fault li { overflow-wrap: anywhere; }
.fault li + li, .numbered li + li { margin-top: 0.5rem; }
.numbered li::marker { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th, td { text-align: left; vertical-align: top; padding: 0.5625rem 0.625rem; border-top: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 1.25rem; }
th:last-child, td:last-child { padding-right: 1.25rem; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; white-space: nowrap; }
td code { overflow-wrap: normal; word-break: normal; white-space: nowrap; }
td.text code { white-space: normal; overflow-wrap: anywhere; }
.images { min-width: 52rem; }
.images th.text { width: 32%; }
form { display: grid; gap: 1rem; }
label { display: grid; gap: 0.25rem; font-weight: 600; }
label .soft { font-weight: 400; font-size: 0.875rem; }
label.choice { grid-template-columns: auto minmax(0, 1fr); gap: 0.25rem 0.625rem; align-items: start; }
label.choice .soft { grid-column: 2; }
input { accent-color: var(--link); margin: 0.3125rem 0 0; }
input:not([type="checkbox"]) { width: 100%; margin: 0; padding: 0.5rem 0.75rem; font: inherit; font-weight: 400; color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: 8px; }
button { justify-self: start; padding: 0.5625rem 1.25rem; font: inherit; font-weight: 600; color: var(--card); background: var(--link); border: 0; border-radius: 8px; cursor: pointer; }
pre { margin: 0; padding: 1rem 1.25rem; font-size: 0.8125rem; line-height: 1.5; }

.picture { padding: 0; max-height: 80vh; overflow: auto; }
.picture svg { display: block; }
.zoom { display: flex; flex-wrap: wrap; gap: 0.375rem; align-items: center; margin: 0 0 0.5rem; }
.zoom button { padding: 0.25rem 0.75rem; color: var(--ink); background: var(--card); border: 1px solid var(--soft); }
.zoom output { color: var(--soft); font-size: 0.875rem; }
.node-box { fill: var(--tint); stroke: var(--mark); stroke-width: 1.5; }
.bad .node-box { stroke-width: 3; }
.scratch .node-box { stroke-dasharray: 5 4; }
.ancestry text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif; fill: var(--ink); }
.ancestry .node-mark { fill: var(--mark); font-weight: 600; }
.ancestry .node-level, .ancestry .node-version { fill: var(--soft); font-size: 11px; }
.ancestry .node-name { font-weight: 600; font-size: 13px; }
a.node:focus-visible { outline: none; }
.node { scroll-margin: 6rem; }
.jumps { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
a.node:hover .node-box, a.node:focus-visible .node-box, .node:target .node-box { stroke-width: 4; stroke: var(--link); }
.way-line path { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.ancestry .way-line text { fill: var(--soft); font-size: 11px; paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
.way-line.faulty path { stroke: var(--mark); stroke-width: 3; }
.ancestry .way-line.faulty text { fill: var(--mark); font-weight: 600; }

.lesser { color: var(--soft); font-weight: 600; }
details.source { margin-top: 0.75rem; }
details.source summary { cursor: pointer; font-weight: 600; }
details.source .box { margin-top: 0.5rem; max-height: 32rem; overflow: auto; }
.lines { list-style: decimal; padding: 1rem 1.25rem 1rem 4rem; font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", "Liberation Mono", monospace; }
.lines li { white-space: pre; }
.lines li::marker { color: var(--soft); }
.packages, .history { min-width: 44rem; }
.command { margin-top: 0.5rem; background: var(--code); border-radius: 8px; padding: 0.75rem 1rem; overflow-x: auto; }
form.search { grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); align-items: start; }
form.search button { grid-column: 1 / -1; }
.found td:nth-child(3) { min-width: 9rem; }
select { width: 100%; height: 2.625rem; padding: 0.5rem 0.75rem; font: inherit; font-weight: 400; color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: 8px; }

footer { border-top: 1px solid var(--line); margin-top: 2rem; padding: 1.25rem 0 2rem; color: var(--soft); font-size: 0.875rem; overflow-wrap: anywhere; }
@media (min-width: 44rem) {
  .why, .facts div { grid-template-columns: 11rem minmax(0, 1fr); }
  .facts dd { grid-column: 2; }
  .banner { padding: 1.75rem 2rem; gap: 1.5rem; }
  .banner svg { width: 3.5rem; height: 3.5rem; }
  h1 { font-size: 2.125rem; }
}
@media (min-width: 56rem) {
  .steps { grid-template-columns: repeat(5, minmax(0, 1fr)); padding-top: 1.25rem; }
  .steps li { padding: 1.75rem 0.75rem 0 0; }
  .steps li:not(:last-child)::before { left: 1.75rem; right: 0.5rem; top: 0.5625rem; bottom: auto; width: auto; height: 2px; }
  .steps svg { top: 0; }
}
@media (max-width: 30rem) {
  .wide { padding: 0 1rem; }
  main.wide { padding-bottom: 2rem; }
  .banner { padding: 1.25rem 1rem; gap: 0.875rem; }
  .banner svg { width: 2.25rem; height: 2.25rem; }
  .card, .steps, .tree { padding-left: 1rem; padding-right: 1rem; }
  .facts { padding-left: 1rem; padding-right: 1rem; }
}
@media print { .box { overflow: visible; } }
`;
