/**
 * The look of the page: light, dark, and on paper. Colours are those of Okabe and Ito, which the colour-blind can tell
 * apart
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --mean: #0067a3; --peer: #8c959f; --bad: #c04a00; --alone: #00755a; --second: #a3417a;
  --train: #0072b2; --encode: #d55e00; --publish: #cc79a7; --wait: #b3b9c1; --aggregate: #009e73; --evaluate: #56b4e9; --persist: #e69f00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --ink: #e6edf3; --soft: #9da7b3; --line: #30363d; --panel: #161b22;
    --mean: #56b4e9; --peer: #6e7681; --bad: #f08a4b; --alone: #3fc79a; --second: #e08cba;
    --train: #2f8fd0; --encode: #e8793a; --publish: #d68fb8; --wait: #4d5661; --aggregate: #2ab98c; --evaluate: #7cc7f2; --persist: #e9b23c;
  }
}
@media print {
  :root { --page: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --panel: #ffffff; --mean: #0067a3; --peer: #8c959f; --bad: #c04a00; --alone: #00755a; }
  section, figure { break-inside: avoid }
  .scroll { overflow: visible !important }
  * { print-color-adjust: exact }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .25rem }
h2 { font-size: 1.1rem; margin: 0 0 .5rem }
p { margin: .25rem 0 1rem; max-width: 70ch }
.soft, figcaption, caption { color: var(--soft) }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin: 1.25rem 0 2rem; padding: 0 }
.tiles > div:last-child { grid-column: span 2 }
.tiles > div { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem }
.tiles dt { color: var(--soft); font-size: .85rem }
.tiles dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; font-weight: 600 }
.tiles small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft) }
.notice { border-left: 4px solid var(--bad); background: var(--panel); padding: .5rem .9rem; margin: 0 0 1.5rem }
.notice ul { margin: .25rem 0; padding-left: 1.2rem }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 31rem), 1fr)); gap: 2rem; margin-bottom: 2.25rem }
.charts section { margin: 0 }
.charts section:last-child:nth-child(odd) { grid-column: 1 / -1 }
time { white-space: nowrap }
section { margin: 0 0 2.25rem; min-width: 0 }
figure { margin: 0 }
figcaption { font-size: .9rem; margin-top: .25rem }
svg { display: block; width: 100%; height: auto; overflow: visible }
#topology-figure svg { max-width: 27rem; margin: 0 auto }
svg text { fill: var(--ink); font-family: inherit }
svg .tick { font-size: 13px; fill: var(--soft) }
svg .label { font-size: 13px; fill: var(--soft) }
svg .grid { stroke: var(--line); stroke-width: 1 }
svg .axis { stroke: var(--soft); stroke-width: 1 }
svg .series path { fill: none; stroke-linejoin: round; stroke-linecap: round }
svg .mean path { stroke: var(--mean); stroke-width: 3 }
svg .mean circle { fill: var(--mean) }
svg .peer path { stroke: var(--peer); stroke-width: 1.2 }
svg .peer circle { fill: var(--peer) }
svg .attacker path { stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 2 3 }
svg .attacker circle { fill: var(--bad) }
svg .second path { stroke: var(--second); stroke-width: 2.5; stroke-dasharray: 7 4 }
svg .second circle { fill: var(--second) }
svg .final circle { fill: var(--page); stroke: var(--second); stroke-width: 3 }
svg .reference { stroke: var(--alone); stroke-width: 2; stroke-dasharray: 8 5 }
svg .end { font-size: 14px; font-weight: 600 }
svg text.end.mean { fill: var(--mean) }
svg text.end.alone { fill: var(--alone) }
svg text.end.second, svg text.end.final { fill: var(--second) }
svg .mark line { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 3 3 }
svg .mark text { fill: var(--bad) }
svg .edge { stroke: var(--peer); stroke-width: 1.3; stroke-opacity: .65 }
svg .edge.attacker { stroke: var(--bad); stroke-dasharray: 4 3 }
svg .node circle { fill: var(--mean); stroke: var(--page); stroke-width: 2 }
svg .node rect { fill: var(--bad); stroke: var(--page); stroke-width: 2 }
svg .node text { fill: var(--page); font-weight: 600 }
svg .node.observer circle { fill: var(--page); stroke: var(--mean) }
svg .node.observer text { fill: var(--mean) }
svg .node.killed circle, svg .node.failed circle { fill: var(--page); stroke: var(--bad); stroke-dasharray: 4 3 }
svg .node.killed text, svg .node.failed text { fill: var(--bad) }
.phase.train, .swatch.train { fill: var(--train); background: var(--train) }
.phase.encode, .swatch.encode { fill: var(--encode); background: var(--encode) }
.phase.publish, .swatch.publish { fill: var(--publish); background: var(--publish) }
.phase.wait, .swatch.wait { fill: var(--wait); background: var(--wait) }
.phase.aggregate, .swatch.aggregate { fill: var(--aggregate); background: var(--aggregate) }
.phase.evaluate, .swatch.evaluate { fill: var(--evaluate); background: var(--evaluate) }
.phase.persist, .swatch.persist { fill: var(--persist); background: var(--persist) }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; padding: 0; margin: .5rem 0 0; font-size: .9rem }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .4rem; vertical-align: -.05rem }
.scroll { overflow-x: auto }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--mean); outline-offset: 2px }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100% }
caption { text-align: left; font-size: .9rem; padding-bottom: .25rem }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, .words { text-align: left }
thead th { color: var(--soft); font-weight: 600 }
tbody th { font-weight: 600 }
details { margin-top: .5rem }
summary { cursor: pointer; color: var(--soft); min-height: 24px }
pre { overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .8rem; font-size: .82rem; line-height: 1.4 }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0; font-size: .95rem }
.facts dt { color: var(--soft) }
.facts dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 44rem) {
  .tiles { grid-template-columns: repeat(2, 1fr) }
  .charts section:not(#topology-figure) svg :is(.tick, .label) { font-size: 20px }
  .charts section:not(#topology-figure) svg .end { font-size: 17px }
}
`
