const LINE = 18;
const TITLE = 21;
/** Pixels between a box and what is in it. */
export const PAD = 14;

/** Pixels a character takes, at most, of the text and of a title: whoever looks may have a wider font than ours. */
const [PER_CHARACTER, PER_TITLE_CHARACTER, PER_TAG_CHARACTER] = [7, 8, 6.4];

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What stands in a box: its class in the style, a title, what it is in a word or two, and lines below. */
export interface Content {
  readonly kind: string;
  readonly title: string;
  readonly tag?: string;
  readonly lines: readonly string[];
}

export const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Breaks a text between words so that nothing runs out of its box. */
function wrap(text: string, width: number, perCharacter: number): string[] {
  const most = Math.max(8, Math.floor((width - 2 * PAD) / perCharacter));
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > most) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

interface Laid {
  readonly titles: readonly string[];
  readonly lines: readonly string[];
  /** Whether the tag found no room beside the title and stands above it. */
  readonly tagAbove: boolean;
}

function lay({ title, tag = "", lines }: Content, width: number): Laid {
  const titles = wrap(title, width, PER_TITLE_CHARACTER);
  const first = (titles[0] ?? "").length * PER_TITLE_CHARACTER;
  return {
    titles,
    lines: lines.flatMap((line) => wrap(line, width, PER_CHARACTER)),
    tagAbove: tag !== "" && first + (tag.length + 2) * PER_TAG_CHARACTER > width - 2 * PAD,
  };
}

/** Pixels a box of a width needs. */
export function heightOf(content: Content, width: number): number {
  const { titles, lines, tagAbove } = lay(content, width);
  return 2 * PAD + (titles.length + Number(tagAbove)) * TITLE + lines.length * LINE - 5;
}

/** A box with its texts. */
export function box(place: Place, content: Content): string {
  const { x, y, width, height } = place;
  const { titles, lines, tagAbove } = lay(content, width);
  const top = y + PAD + (tagAbove ? TITLE : 0);
  const tag = content.tag
    ? [
        `<text class="tag" text-anchor="${tagAbove ? "start" : "end"}" x="${tagAbove ? x + PAD : x + width - PAD}" y="${y + PAD + 13}">${escapeText(content.tag)}</text>`,
      ]
    : [];
  return [
    `<g class="${content.kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="9"/>`,
    ...tag,
    ...titles.map(
      (line, i) =>
        `<text class="title" x="${x + PAD}" y="${top + 14 + i * TITLE}">${escapeText(line)}</text>`,
    ),
    ...lines.map(
      (line, i) =>
        `<text x="${x + PAD}" y="${top + titles.length * TITLE + 12 + i * LINE}">${escapeText(line)}</text>`,
    ),
    "</g>",
  ].join("\n");
}

export type Point = readonly [number, number];

export interface Arrow {
  /** Points it goes through; the last one has the head. */
  readonly along: readonly Point[];
  readonly kind: "flow" | "failover" | "copy";
  readonly label?: string;
  /** Where the label stands, and which side of that it is on. */
  readonly labelAt?: Point;
  readonly anchor?: "start" | "middle" | "end";
}

/** An arrow with its label. @param head id of the marker that is its head. */
export function arrow({ along, kind, label, labelAt, anchor = "start" }: Arrow, head: string): string {
  const path = along.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join(" ");
  const [x, y] = labelAt ?? [0, 0];
  const text = label
    ? `<text class="label" text-anchor="${anchor}" x="${x}" y="${y}">${escapeText(label)}</text>`
    : "";
  return `<path class="${kind}" d="${path}" marker-end="url(#${head}-${kind})"/>${text}`;
}

const INK = { flow: "#52606d", failover: "#b7791f", copy: "#2c7a7b" } as const;
const INK_DARK = { flow: "#9fb3c8", failover: "#f0b429", copy: "#4fd1c5" } as const;

const colours = (ink: typeof INK | typeof INK_DARK): string =>
  Object.entries(ink)
    .map(([kind, colour]) => ` path.${kind} { stroke: ${colour}; } marker.${kind} path { fill: ${colour}; }`)
    .join("")
    .replaceAll(" path.", "\n  .architecture path.")
    .replaceAll(" marker.", "\n  .architecture marker.");

/** Style of the drawing, in light and in dark; it stands in the drawing, which is then whole wherever it is shown. */
export const STYLE = `
  .architecture { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
  .architecture text { fill: #1f2933; }
  .architecture .title { font-weight: 600; font-size: 14px; }
  .architecture .tag { font-size: 11px; fill: #52606d; letter-spacing: .02em; }
  .architecture .label { font-size: 12px; fill: #52606d; }
  .architecture rect { fill: #f7f9fb; stroke: #9aa5b1; stroke-width: 1.2; }
  .architecture .paper { fill: #fff; stroke: none; }
  .architecture .serving > rect { fill: #f0fdf4; stroke: #2f855a; stroke-width: 2; }
  .architecture .standby > rect { fill: #fffbf0; stroke: #b7791f; stroke-width: 2; stroke-dasharray: 7 5; }
  .architecture .lost > rect { fill: #fff5f5; stroke: #c53030; stroke-width: 2; stroke-dasharray: 2 4; }
  .architecture .edge > rect { fill: #ebf4ff; stroke: #2b6cb0; }
  .architecture .services > rect { fill: #fff; }
  .architecture .database > rect { fill: #e6fffa; stroke: #2c7a7b; }
  .architecture .backups > rect { fill: #faf5ff; stroke: #6b46c1; }
  .architecture .none > rect { stroke-dasharray: 4 4; }
  .architecture path { fill: none; stroke-width: 1.8; }
  .architecture marker path { stroke: none; }
  .architecture path.failover { stroke-dasharray: 7 5; }${colours(INK)}
  @media (prefers-color-scheme: dark) {
  .architecture text { fill: #e6edf3; }
  .architecture .tag, .architecture .label { fill: #9fb3c8; }
  .architecture rect { fill: #1c232c; stroke: #5b6b7c; }
  .architecture .paper { fill: #12171d; }
  .architecture .serving > rect { fill: #10211a; stroke: #48bb78; }
  .architecture .standby > rect { fill: #221c0f; stroke: #f0b429; }
  .architecture .lost > rect { fill: #2a1414; stroke: #fc8181; }
  .architecture .edge > rect { fill: #12233a; stroke: #63b3ed; }
  .architecture .services > rect { fill: #1c232c; }
  .architecture .database > rect { fill: #0f2a2a; stroke: #4fd1c5; }
  .architecture .backups > rect { fill: #221a35; stroke: #b794f4; }${colours(INK_DARK)}
  }`;

/** Heads of the arrows, a marker for each kind: a marker takes no colour from the line it ends. */
export const heads = (head: string): string =>
  `<defs>${Object.keys(INK)
    .map(
      (kind) =>
        `<marker class="${kind}" id="${head}-${kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z"/></marker>`,
    )
    .join("")}</defs>`;
