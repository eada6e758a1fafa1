"""The style sheet of the HTML page: light and dark, for screens of any width and for print; loads no resources."""

CSS = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1c2128; --soft: #57606a; --line: #d9dee4; --head: #f2f4f7; --link: #0a58ca;
  --error: #8b1a5b; --error-tint: #fbeaf4; --fail: #b3231b; --fail-tint: #fdecea; --inconclusive: #5a4a9c;
  --inconclusive-tint: #efecfa; --warn: #855500; --warn-tint: #fff4dc; --pass: #1a6b36; --pass-tint: #e6f5ea; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0d1117; --card: #161b22; --ink: #e6edf3; --soft: #9aa5b1; --line: #30363d; --head: #1c222b; --link: #79b8ff;
  --error: #f5a3d3; --error-tint: #3a1a2e; --fail: #ff9d94; --fail-tint: #3d1a18; --inconclusive: #c3b5fd;
  --inconclusive-tint: #262042; --warn: #f2c265; --warn-tint: #362a10; --pass: #7ee2a0; --pass-tint: #12301d; } }
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
body { margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere; }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, .wide:focus-visible, pre:focus-visible, button:focus-visible,
input:focus-visible, select:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px; }
code { font: .875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--head); border-radius: 4px; padding: .1em .35em; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem;
  margin: 0 0 1.25rem; }
.verdict { border-left: .5rem solid var(--tone); }
.verdict h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; display: flex; gap: .75rem; align-items: center;
  flex-wrap: wrap; }
.verdict p { margin: .35rem 0; }
.verdict .subject { color: var(--soft); margin-top: .75rem; }
.notice { border-left: .25rem solid var(--line); padding-left: .75rem; color: var(--soft); }
.badge { display: inline-block; white-space: nowrap; font-size: .875rem; font-weight: 650; line-height: 1.3;
  padding: .15rem .6rem; border-radius: 999px; color: var(--tone); background: var(--tint);
  border: 1px solid var(--tone); }
h1 .badge { font-size: 1rem; }
.error { --tone: var(--error); --tint: var(--error-tint); }
.fail { --tone: var(--fail); --tint: var(--fail-tint); }
.inconclusive { --tone: var(--inconclusive); --tint: var(--inconclusive-tint); }
.warn { --tone: var(--warn); --tint: var(--warn-tint); }
.pass { --tone: var(--pass); --tint: var(--pass-tint); }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
ul { margin: 0; padding-left: 1.25rem; }
ul.plain { list-style: none; padding: 0; }
ul.plain > li { padding: .6rem 0; border-top: 1px solid var(--line); }
ul.plain > li:first-child { border-top: 0; padding-top: 0; }
.reason { display: block; color: var(--soft); margin-top: .2rem; }
.wide { overflow-x: auto; }
.wide + .wide, .wide + .numbers { margin-top: 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums;
  overflow-wrap: break-word; }
caption { text-align: left; max-width: 70rem; color: var(--soft); padding: .15rem 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .55rem; border-bottom: 1px solid var(--line); }
thead th { background: var(--head); font-weight: 600; white-space: nowrap; border-bottom: 2px solid var(--line); }
tbody th { font-weight: 600; white-space: nowrap; }
td code, th code { display: inline-block; max-width: 36ch; }
.sentence td { color: var(--soft); padding-top: 0; max-width: 0; overflow-wrap: anywhere; }
tr:has(+ .sentence) > * { border-bottom: 0; }
.passed { margin: 0 0 1.25rem; padding: 0 1.25rem; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; }
.figure { min-width: 9.5em; }
.change { min-width: 12em; }
svg { display: block; width: 150px; height: 18px; margin: .15rem 0; }
.axis { stroke: var(--soft); stroke-width: 1; }
.limit { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 2; }
.room { fill: var(--head); }
.span { stroke: var(--tone); stroke-width: 3; }
.dot { fill: var(--tone); stroke: var(--card); stroke-width: 1; }
figure { margin: .5rem 0 1rem; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 70rem; }
.chart { width: 100%; max-width: 44rem; height: auto; }
.chart text { fill: var(--soft); font-size: 12px; text-anchor: middle; }
.chart .row { text-anchor: end; }
.chart .name { text-anchor: start; }
.chart .grid { stroke: var(--line); }
.chart .limit { stroke: var(--fail); }
.band { fill: var(--inconclusive-tint); }
.edge { stroke: var(--inconclusive); }
.p50, .p95, .p99 { stroke: var(--ink); fill: var(--ink); stroke-width: 2; stroke-linecap: round; }
.p95 { stroke: var(--link); fill: var(--link); stroke-dasharray: 7 5; }
.p50 { stroke: var(--soft); fill: var(--soft); stroke-dasharray: 1 5; }
.chart path { fill: none; }
.baseline { stroke: var(--soft); fill: var(--soft); stroke-width: 2; stroke-dasharray: 2 3; }
.candidate { stroke: var(--link); fill: var(--link); stroke-width: 2; }
.wide-chart { max-width: 60rem; }
.chart .column { stroke: none; }
@media (max-width: 40rem) {
  .wide > .wide-chart { min-width: 38rem; }
  .large > figure > .chart text { font-size: 14px; }
  .change { min-width: 17rem; }
  .sentence td > div { position: sticky; left: 0; width: calc(100vw - 6.2rem); }
  caption { max-width: calc(100vw - 5rem); } }
.wide-chart path.limit { stroke: var(--fail); stroke-width: 1.5; stroke-dasharray: 7 5; }
.chart path.band { fill: var(--inconclusive-tint); }
.shade { fill: var(--tint); }
.chart circle.mark { fill: var(--tone); stroke: var(--card); stroke-width: 1.5; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .25rem 1.25rem; }
.large { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
.evidence, .threshold { stroke: var(--tone); stroke-width: 2; }
.threshold { stroke-width: 1.5; stroke-dasharray: 7 5; }
.evidence.pass { stroke-width: 3; stroke-dasharray: 2 3; }
.bars { max-width: 20rem; }
.squares { max-width: 100%; }
.cell { stroke: var(--line); }
.right { fill: var(--link); }
.wrong { fill: var(--fail); }
.chart text.ink { fill: var(--ink); }
.bar { fill: var(--soft); fill-opacity: .45; }
.outline { stroke: var(--link); stroke-width: 2; }
.numbers { border: 0; background: none; margin: 0 0 1rem; }
.numbers > summary { padding: .25rem 0; color: var(--soft); }
.numbers > div { padding: 0; }
.chart circle { stroke: none; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 .75rem; }
summary { cursor: pointer; padding: .75rem 1.25rem; }
summary h2 { display: inline; font-size: 1.05rem; }
details > div { padding: 0 1.25rem 1rem; }
pre { background: var(--head); border-radius: 8px; padding: .75rem 1rem; overflow-x: auto; margin: .5rem 0 0; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
footer { color: var(--soft); font-size: .9rem; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; margin: 0 0 .75rem; }
.tools[hidden] { display: none; }
.tools output { color: var(--soft); font-size: .9rem; }
input, select, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft);
  border-radius: 6px; padding: .2rem .5rem; }
button { cursor: pointer; }
button.more { margin-top: .75rem; }
.sort { border: 0; background: none; padding: 0; font-weight: 600; text-decoration: underline dotted;
  text-underline-offset: .2em; }
[aria-sort="ascending"] .sort::after { content: " \\2191"; }
[aria-sort="descending"] .sort::after { content: " \\2193"; }
@media print { .tools, button.more { display: none; } }
@media print { body { background: none; } .card, details { break-inside: avoid; } }
"""
