/** Style of the page: one column that fits a phone and is easy to read on a wide screen, in the reader's colours. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --paper: #fff; --card: #f7f9fb; --line: #d9e2ec; --link: #1f5fa8;
  --good: #1f6f43; --good-paper: #f0fdf4; --bad: #b42318; --bad-paper: #fef3f2; --warn: #8a5a00; --warn-paper: #fffbf0; --bar: #2c7a7b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9fb3c8; --paper: #12171d; --card: #1c232c; --line: #323d49; --link: #7cb8f5;
  --good: #6fd39a; --good-paper: #10211a; --bad: #ff9a90; --bad-paper: #2a1414; --warn: #f0b429; --warn-paper: #221c0f; --bar: #4fd1c5; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem clamp(.9rem, 4vw, 2.5rem) 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { margin: 0; font-size: clamp(1.7rem, 5vw, 2.4rem); line-height: 1.15; letter-spacing: -.01em; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.3rem; }
.kind { margin: 0 0 .2rem; color: var(--soft); font-size: .9rem; }
.outcome { margin: .9rem 0; padding: .7rem 1rem; border-left: 4px solid; border-radius: 6px; font-weight: 600; }
.outcome.fine { color: var(--good); background: var(--good-paper); }
.outcome.bad { color: var(--bad); background: var(--bad-paper); }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0; padding: 0; list-style: none; font-size: .95rem; }
#stop { margin-top: 1.5rem; padding: .1rem 1.1rem 1rem; border: 2px solid var(--bad); border-radius: 10px; background: var(--bad-paper); }
#stop h2 { margin-top: 1rem; color: var(--bad); }
#stop ul { padding-left: 1.2rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
code, pre { font: .9em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { position: relative; margin: .5rem 0; padding: .7rem .9rem; padding-right: 4.5rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card);
  white-space: pre-wrap; overflow-wrap: anywhere; }
pre button { position: absolute; top: .4rem; right: .4rem; padding: .15rem .6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--paper); color: var(--ink); font: .8rem system-ui, sans-serif; cursor: pointer; }
small, .type { color: var(--soft); font-size: .87em; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 10.5rem), 1fr)); gap: .7rem; margin: 0; }
.card { padding: .75rem .9rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.card dt { color: var(--soft); font-size: .85rem; }
.card dd { margin: 0; }
.card b { display: block; font-size: 1.25rem; line-height: 1.3; }
.card span { color: var(--soft); font-size: .85rem; }
svg.architecture { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 12px; }
.narrow { display: none; }
@media (max-width: 44rem) { .wide { display: none; } .narrow { display: block; } }
table { width: 100%; overflow-wrap: break-word; border-collapse: collapse; font-size: .93rem; }
.stacked td code { overflow-wrap: anywhere; }
th, td { padding: .45rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-size: .82rem; font-weight: 600; }
tbody th { font-weight: 500; }
tfoot th, tfoot td { border-bottom: 0; font-weight: 700; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { width: 38%; }
meter { width: 100%; height: .8rem; vertical-align: middle; }
meter::-webkit-meter-bar { background: var(--card); border: 1px solid var(--line); border-radius: 4px; }
meter::-webkit-meter-optimum-value { background: var(--bar); border-radius: 3px; }
meter::-moz-meter-bar { background: var(--bar); }
.scroll { overflow-x: auto; }
td p, .message p { margin: .1rem 0; }
.names { color: var(--soft); font-size: .9em; }
.family th { padding-top: 1rem; color: var(--soft); }
.pill { display: inline-block; padding: 0 .5rem; border-radius: 99px; font-size: .78rem; font-weight: 600; }
.pill.mandatory { color: var(--bad); background: var(--bad-paper); border: 1px solid; }
.pill.advisory { color: var(--warn); background: var(--warn-paper); border: 1px solid; }
.message { margin: 0 0 1rem; padding: .6rem .9rem; border-left: 4px solid var(--warn); border-radius: 6px; background: var(--warn-paper); }
.message.error { border-color: var(--bad); background: var(--bad-paper); }
.message.info { border-color: var(--line); background: var(--card); }
.changes, .tree, .tree ul { margin: 0; padding: 0; list-style: none; }
.tree ul { padding-left: 1.3rem; border-left: 1px solid var(--line); }
.changes > li, .tree li { padding: .15rem 0; }
.changes .mark { display: inline-block; width: 1.1rem; font-family: ui-monospace, monospace; font-weight: 700; }
.added > .mark, .added summary .mark { color: var(--good); }
.removed > .mark, .replaced > .mark, .removed summary .mark, .replaced summary .mark, .danger { color: var(--bad); }
summary { cursor: pointer; }
details table, details .scroll { margin: .5rem 0 1rem; }
input[type=search] { width: min(100%, 22rem); padding: .45rem .7rem; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); color: inherit; font: inherit; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .87rem; }
@media (max-width: 44rem) {
  .stacked thead { display: none; }
  .stacked tr, .stacked th, .stacked td { display: block; border: 0; padding: .1rem 0; }
  .stacked tr { padding: .4rem 0; border-bottom: 1px solid var(--line); }
  .stacked td::before { content: attr(data-label) ": "; color: var(--soft); font-size: .85em; }
  .findings th, .findings td { display: block; border: 0; }
  .findings tr { display: block; border-bottom: 1px solid var(--line); }
  .findings thead { display: none; }
  .bar { display: none; }
}
@media print { nav, pre button, #find, label { display: none; } body { max-width: none; padding: 0; font-size: 11pt; }
  section { break-inside: auto; } h2 { break-after: avoid; } svg.architecture, .card, tr { break-inside: avoid; } }
`;
