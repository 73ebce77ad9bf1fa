import { formatDuration } from "../duration";
import type { Objectives } from "./objectives";
import { readinessLine } from "./readinessLine";
import type { DrillReport, ScenarioReport } from "./report";

/** Part of a target that something took, e.g. `3.2 %`. */
export function share(seconds: number, { rtoSeconds }: Objectives): string {
  return `${((100 * seconds) / rtoSeconds).toFixed(1)} %`;
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

const ROW = 22;
const WIDTH = 720;
const LABEL = 300;

/** The same as one drawing, for a page that loads nothing. */
export function timelineSvg({ title, stages, measured, targets }: ScenarioReport): string {
  const [first] = stages;
  if (!first) return "";
  const zero = Date.parse(first.startedAt);
  const ends = stages.map(({ startedAt, seconds }) => (Date.parse(startedAt) - zero) / 1000 + seconds);
  const span = Math.max(1, ...ends);
  const x = (seconds: number): number => LABEL + (seconds / span) * (WIDTH - LABEL - 140);
  const rows = stages.map(({ name, startedAt, seconds }, index) => {
    const from = (Date.parse(startedAt) - zero) / 1000;
    const y = index * ROW + 8;
    const width = Math.max(2, x(from + seconds) - x(from));
    return [
      `<text x="0" y="${y + 12}">${escape(name)}</text>`,
      `<rect x="${x(from).toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 6}" rx="2"/>`,
      `<text x="${(x(from) + width + 6).toFixed(1)}" y="${y + 12}">${formatDuration(seconds)} (${share(seconds, targets)})</text>`,
    ].join("");
  });
  const loss = measured.lossAt ? x((Date.parse(measured.lossAt) - zero) / 1000).toFixed(1) : undefined;
  const height = stages.length * ROW + 10;
  const line =
    loss === undefined
      ? ""
      : `<line x1="${loss}" x2="${loss}" y1="0" y2="${height}"/><text x="${Number(loss) - 6}" y="${height + 12}" text-anchor="middle" class="mark">loss</text>`;
  return `<svg viewBox="0 0 ${WIDTH} ${height + (line === "" ? 0 : 16)}" role="img" aria-label="${escape(`Timeline of ${title}`)}">${rows.join("")}${line}</svg>`;
}

/** A drill of the chain, as far as its chart needs it. */
export type PastDrill = Pick<DrillReport, "sequence" | "endedAt" | "scenarios">;

const KEY_ROW = 20;
/** Colours of scenarios, as angles of the colour wheel. */
const FIRST_HUE = 45;
const LAST_HUE = 345;

/** Recovery time of every scenario over the drills of a chain, as a share of its target: above the line it was missed. */
export function historySvg(drills: readonly PastDrill[]): string {
  const ids = [...new Set(drills.flatMap(({ scenarios }) => scenarios.map(({ id }) => id)))];
  const last = drills.slice(-24);
  if (last.length === 0) return "";
  const height = 180;
  const x = (index: number): number => 40 + (index * 480) / Math.max(1, last.length - 1);
  const y = (part: number): number => height - 20 - Math.min(1.2, part) * ((height - 40) / 1.2);
  const lines = ids.map((id, nth) => {
    const points = last.flatMap(({ scenarios }, index) => {
      const found = scenarios.find((one) => one.id === id);
      const { rtoSeconds } = found?.measured ?? { rtoSeconds: null };
      return found && rtoSeconds !== null
        ? [[x(index), y(rtoSeconds / found.targets.rtoSeconds)] as const]
        : [];
    });
    // Red is the target's.
    const colour = `hsl(${Math.round(FIRST_HUE + ((LAST_HUE - FIRST_HUE) * nth) / ids.length)} 60% 45%)`;
    const dots = points
      .map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`)
      .join("");
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colour}"/>${dots}<rect x="530" y="${nth * KEY_ROW + 9}" width="12" height="12" style="fill:${colour}"/><text x="548" y="${nth * KEY_ROW + 20}">${id}</text>`;
  });
  const target = y(1).toFixed(1);
  return `<svg viewBox="0 0 ${WIDTH} ${Math.max(height, ids.length * KEY_ROW + 30)}" role="img" aria-label="Recovery time of each drill as a share of its target"><line x1="40" x2="520" y1="${target}" y2="${target}"/><text x="0" y="${target}">target</text>${lines.join("")}</svg>`;
}

/** Read on a phone, in the dark, and on paper: drawings shrink with the page, so their letters grow there. */
const STYLE = [
  ":root{color-scheme:light dark;--good:#1e7d45;--bad:#c0392b}",
  "@media (prefers-color-scheme:dark){:root{--good:#5fc98a;--bad:#ff8a7a}}",
  "body{font:15px/1.45 system-ui;max-width:60em;margin:2em auto;padding:0 1em}",
  ".id{overflow-wrap:anywhere}",
  ".good{color:var(--good)}.bad{color:var(--bad)}",
  "svg{width:100%;font-size:12px}svg text{fill:currentColor}svg .mark{fill:var(--bad)}",
  "rect{fill:#4a7fb5}line{stroke:#c0392b}",
  "@media (max-width:40em){svg{font-size:16px}h1{font-size:1.5em}h2{font-size:1.2em}}",
  "th{text-align:left}th,td{padding:.1em .8em .1em 0;vertical-align:top;overflow-wrap:anywhere}",
  "@media print{svg,table{break-inside:avoid}h2{break-after:avoid}}",
].join("");

const judged = (verdict: string): string =>
  `<span class="${verdict === "PASS" ? "good" : "bad"}">${escape(verdict)}</span>`;

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
    return `<h2>${escape(title)}: ${judged(verdict.overall)}</h2><p>RTO ${time(measured.rtoSeconds)} of ${formatDuration(targets.rtoSeconds)}, RPO ${time(measured.rpoSeconds)} of ${formatDuration(targets.rpoSeconds)}</p>${timelineSvg(scenario)}<table><thead><tr><th>check</th><th>verdict</th><th>expected</th><th>found</th></tr></thead><tbody>${rows}</tbody></table>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(report.drillId)}</title>
<style>${STYLE}</style>
<h1>Recovery drill <span class="id">${escape(report.drillId)}</span>: ${judged(report.verdict.overall)}</h1><p>${escape(report.environment)}, report ${report.sequence} of its chain</p>${readinessParagraph(report)}
${scenarios.join("\n")}
<h2>Drills so far</h2><p>Recovery time of each drill as a share of its target; the red line is the target.</p>${historySvg([...past, report])}</html>
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
