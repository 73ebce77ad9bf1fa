import { formatDuration } from "../duration";
import type { Objectives } from "./objectives";
import { readinessLine } from "./readinessLine";
import type { DrillReport, ScenarioReport } from "./report";
import { shortfallLines } from "./shortfalls";

/** Part of a target that something took, e.g. `3.2 %`; what is less than is shown, says so. */
export function share(seconds: number, { rtoSeconds }: Objectives): string {
  const percent = (100 * seconds) / rtoSeconds;
  return percent > 0 && percent < 0.05 ? "under 0.1 %" : `${percent.toFixed(1)} %`;
}

/** The stages of a scenario as a picture in Markdown (Mermaid, which GitHub and the site draw). */
export function gantt({ stages, measured }: ScenarioReport): string[] {
  const [first] = stages;
  if (!first) return [];
  const zero = Date.parse(first.startedAt);
  const at = (moment: string): number => Math.max(0, Date.parse(moment) - zero);
  const plain = (text: string): string => text.replace(/[^\w .,=>()-]/g, " ").trim();
  return [
    "```mermaid",
    "gantt",
    "  dateFormat x",
    "  axisFormat %M:%S",
    ...stages.map(
      ({ name, startedAt, seconds }) =>
        `  ${plain(name)} :${at(startedAt)}, ${at(startedAt) + Math.max(1, Math.round(seconds * 1000))}`,
    ),
    ...(measured.lossAt ? [`  loss :milestone, ${at(measured.lossAt)}, 0`] : []),
    "```",
    "",
  ];
}

/** The same for a page that loads nothing: a line for each stage, whose name stands above its bar where the page is narrow. */
export function timeline({ title, stages, measured, targets }: ScenarioReport): string {
  const [first] = stages;
  if (!first) return "";
  const zero = Date.parse(first.startedAt);
  const since = (moment: string): number => (Date.parse(moment) - zero) / 1000;
  const span = Math.max(1, ...stages.map(({ startedAt, seconds }) => since(startedAt) + seconds));
  const at = (seconds: number): string => `${Math.min(100, Math.max(0, (100 * seconds) / span)).toFixed(2)}%`;
  const loss = measured.lossAt ? `<u style="left:${at(since(measured.lossAt))}"></u>` : "";
  const rows = stages.map(({ name, startedAt, seconds }) => {
    const from = since(startedAt);
    const bar = `<i style="left:${at(from)};width:${at(seconds)}"></i>`;
    const took = `<b style="left:${at(from + seconds)}">${formatDuration(seconds)} (${share(seconds, targets)})</b>`;
    return `<div class="stage"><span>${escape(name)}</span><span class="track">${loss}${bar}${took}</span></div>`;
  });
  const key = loss === "" ? "" : '<p class="small"><span class="bad">|</span> when data was lost</p>';
  return `<div role="group" aria-label="${escape(`Timeline of ${title}`)}">${rows.join("")}</div>${key}`;
}

/** A drill of the chain, as far as its chart needs it. */
export type PastDrill = Pick<DrillReport, "sequence" | "endedAt" | "scenarios">;

const WIDTH = 560;
const HEIGHT = 220;
/** Below the chart, for the days of its first and its last drill. */
const DATES = 24;
const LEFT = 72;
/** Shares of a target at the chart's edges, and at its lines. Recovery takes from a thousandth of a target to all of it. */
const [LEAST, MOST] = [0.0003, 3];
const LINES = [0.001, 0.01, 0.1];
/** Colours of scenarios, as angles of the colour wheel. */
const FIRST_HUE = 45;
const LAST_HUE = 345;

/**
 * Recovery time of every scenario over the drills of a chain, as a share of its target, each line of which is ten times the one below:
 * above the target's it was missed. Below stand the days of the first and of the last drill.
 */
export function history(drills: readonly PastDrill[]): string {
  const ids = [...new Set(drills.flatMap(({ scenarios }) => scenarios.map(({ id }) => id)))];
  const last = drills.slice(-24);
  if (last.length === 0) return "";
  const x = (index: number): number =>
    last.length === 1 ? (LEFT + WIDTH) / 2 : LEFT + 10 + (index * (WIDTH - LEFT - 20)) / (last.length - 1);
  const y = (part: number): number =>
    HEIGHT -
    10 -
    (Math.log(Math.min(MOST, Math.max(LEAST, part)) / LEAST) / Math.log(MOST / LEAST)) * (HEIGHT - 20);
  const colourOf = (nth: number): string =>
    // Red is the target's.
    `hsl(${Math.round(FIRST_HUE + ((LAST_HUE - FIRST_HUE) * nth) / ids.length)} 60% 45%)`;
  const drawn = ids.map((id, nth) => {
    const points = last.flatMap(({ scenarios }, index) => {
      const found = scenarios.find((one) => one.id === id);
      const { rtoSeconds } = found?.measured ?? { rtoSeconds: null };
      return found && rtoSeconds !== null
        ? [[x(index), y(rtoSeconds / found.targets.rtoSeconds)] as const]
        : [];
    });
    const colour = colourOf(nth);
    const dots = points
      .map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`)
      .join("");
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colour}"/>${dots}`;
  });
  const line = (part: number, text: string, kind: string): string =>
    `<line class="${kind}" x1="${LEFT}" x2="${WIDTH}" y1="${y(part).toFixed(1)}" y2="${y(part).toFixed(1)}"/><text x="${LEFT - 6}" y="${(y(part) + 5).toFixed(1)}" text-anchor="end">${text}</text>`;
  const lines = LINES.map((part) => line(part, `${100 * part} %`, "grid")).join("");
  const dates = [
    [last[0], LEFT, "start"],
    [last.length > 1 ? last.at(-1) : undefined, WIDTH, "end"],
  ] as const;
  const days = dates.map(([drill, at, anchor]) =>
    drill
      ? `<text x="${at}" y="${HEIGHT + DATES - 8}" text-anchor="${anchor}">${escape(drill.endedAt.slice(0, 10))}</text>`
      : "",
  );
  const key = ids
    .map(
      (id, nth) =>
        `<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" style="fill:${colourOf(nth)}"/></svg> ${id}</li>`,
    )
    .join("");
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT + DATES}" role="img" aria-label="Recovery time of each drill as a share of its target">${lines}${line(1, "target", "target")}${drawn.join("")}${days.join("")}</svg><ul class="key">${key}</ul>`;
}

/** Read on a phone, in the dark, and on paper: where the page is narrow, what stood side by side stands one below the other. */
const STYLE = [
  ":root{color-scheme:light dark;--good:#1e7d45;--bad:#c0392b;--bar:#4a7fb5}",
  "@media (prefers-color-scheme:dark){:root{--good:#5fc98a;--bad:#ff8a7a}}",
  "body{font:15px/1.45 system-ui;max-width:60em;margin:2em auto;padding:0 1em}",
  ".id{overflow-wrap:anywhere}",
  ".good{color:var(--good)}.bad{color:var(--bad)}.small{font-size:.85em;margin:.2em 0}",
  ".stage{display:grid;grid-template-columns:22em 1fr;column-gap:1em;align-items:center;break-inside:avoid}",
  ".track{position:relative;height:1.7em;margin-right:10em}",
  ".track *{position:absolute;top:.25em;bottom:.25em}",
  ".track i{min-width:2px;border-radius:2px;background:var(--bar);print-color-adjust:exact}",
  ".track b{padding-left:.4em;font-weight:400;line-height:1.2em;white-space:nowrap}",
  ".track u{top:0;bottom:0;border-left:1px solid var(--bad)}",
  ".chart{width:100%;max-width:46em;font-size:14px}.chart text{fill:currentColor}",
  ".chart .target{stroke:var(--bad);stroke-width:2}.chart .grid{stroke:currentColor;opacity:.2}",
  ".key{display:flex;flex-wrap:wrap;gap:.2em 1.2em;padding:0;list-style:none}.key svg{width:.8em}",
  "th{text-align:left}th,td{padding:.1em .8em .1em 0;vertical-align:top;overflow-wrap:break-word}",
  "@media (max-width:40em){h1{font-size:1.5em}h2{font-size:1.2em}.stage{display:block;margin-top:.3em}.stage span{display:block}.chart{font-size:20px}",
  "thead{display:none}tr,td{display:block}tr{margin:.5em 0}td:first-child{font-weight:600}",
  "td:nth-child(3)::before{content:'expected: '}td:nth-child(4)::before{content:'found: '}}",
  "@media print{svg,tr{break-inside:avoid}h2{break-after:avoid}}",
].join("");

const judged = (verdict: string): string =>
  `<span class="${verdict === "PASS" ? "good" : "bad"}">${escape(verdict)}</span>`;

function shortfallList(report: DrillReport): string {
  const lines = shortfallLines(report);
  return lines.length === 0
    ? ""
    : `<ul class="bad">${lines.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>`;
}

const readinessParagraph = ({ readiness }: DrillReport): string =>
  readiness ? `<p class="${readiness.passed ? "good" : "bad"}">${escape(readinessLine(readiness))}.</p>` : "";

/** The whole report as one page that loads nothing. */
export function renderPage(report: DrillReport, past: readonly PastDrill[]): string {
  const scenarios = report.scenarios.map((scenario) => {
    const { title, measured, targets, verdict, checks } = scenario;
    const time = (seconds: number | null): string =>
      seconds === null ? "not measured" : formatDuration(seconds);
    const rows = checks
      .map(
        ({ id, status, expected, actual }) =>
          `<tr class="${status === "FAIL" ? "bad" : ""}"><td>${[id, status, expected, actual].map(escape).join("</td><td>")}</td></tr>`,
      )
      .join("");
    return `<h2>${escape(title)}: ${judged(verdict.overall)}</h2><p>RTO ${time(measured.rtoSeconds)} of ${formatDuration(targets.rtoSeconds)}, RPO ${time(measured.rpoSeconds)} of ${formatDuration(targets.rpoSeconds)}</p>${timeline(scenario)}<table><thead><tr><th>check</th><th>verdict</th><th>expected</th><th>found</th></tr></thead><tbody>${rows}</tbody></table>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(report.drillId)}</title>
<style>${STYLE}</style>
<h1>Recovery drill <span class="id">${escape(report.drillId)}</span>: ${judged(report.verdict.overall)}</h1><p>${escape(report.environment)}, report ${report.sequence} of its chain</p>${shortfallList(report)}${readinessParagraph(report)}
${scenarios.join("\n")}
<h2>Drills so far</h2><p>Recovery time of each drill as a share of its target; the red line is the target, each other a tenth of the one above.</p>${history([...past, report])}</html>
`;
}

const ESCAPED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPED[character] ?? "");
