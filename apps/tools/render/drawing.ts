import type { Architecture } from "./architecture";
import { contentsOf } from "./drawingContents";
import {
  arrow,
  box,
  escapeText,
  heads,
  heightOf,
  PAD,
  STYLE,
  type Arrow,
  type Content,
  type Place,
} from "./drawingShapes";

/** Pixels the drawing is wide where there is room, and on a phone. */
export const [WIDE, NARROW] = [1000, 430];

const HEADER = 40;
const BETWEEN = 18;

/** A drawing while it is made: what is drawn, and the lowest line so far. */
class Sheet {
  readonly parts: string[] = [];
  private readonly head: string;
  readonly gap: number;
  readonly narrow: boolean;

  constructor(readonly width: number) {
    this.head = `head-${width}`;
    this.narrow = width < 700;
    this.gap = this.narrow ? 14 : 24;
  }

  box(place: Place, content: Content): void {
    this.parts.push(box(place, content));
  }

  arrow(line: Arrow): void {
    this.parts.push(arrow(line, this.head));
  }

  svg(height: number, title: string): string {
    const [width, tall] = [this.width, Math.round(height)];
    return [
      `<svg class="architecture" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" role="img" aria-label="${escapeText(title)}">`,
      `<style>${STYLE}\n</style>`,
      heads(this.head),
      `<rect class="paper" x="0" y="0" width="${width}" height="${tall}"/>`,
      ...this.parts,
      "</svg>",
      "",
    ].join("\n");
  }
}

/** Who comes from outside, and the edge all of it goes through. Gives the line below. */
function drawOutside(sheet: Sheet, { edge, hosts }: Architecture): number {
  const { gap, width } = sheet;
  const half = (width - 3 * gap) / 2;
  const visitors: Content[] = [
    { kind: "outside", title: "Customers", lines: ["orders and dashboard"] },
    { kind: "outside", title: "Partners", lines: ["Shopify, SimplyPrint, SendCloud"] },
  ];
  const height = Math.max(...visitors.map((content) => heightOf(content, half)));
  visitors.forEach((content, i) =>
    sheet.box({ x: gap + i * (half + gap), y: gap, width: half, height }, content),
  );
  const y = gap + height;
  if (!edge) return y;
  const content: Content = {
    kind: "edge",
    title: hosts.join(" · "),
    tag: `Front Door ${edge.sku.replace("_AzureFrontDoor", "")}`,
    lines: [`firewall in ${edge.waf.toLowerCase()} mode, limits per client`],
  };
  const place = { x: gap, y: y + 44, width: width - 2 * gap, height: heightOf(content, width - 2 * gap) };
  for (const i of [0, 1]) {
    const x = gap + i * (half + gap) + half / 2;
    sheet.arrow({
      along: [
        [x, y],
        [x, place.y - 2],
      ],
      kind: "flow",
    });
  }
  sheet.box(place, content);
  return place.y + place.height;
}

interface DrawnRegion {
  readonly place: Place;
  readonly contents: readonly Content[];
  readonly boxes: readonly Place[];
}

/** Places of all regions: beside each other with their rows aligned where there is room, else below each other. */
function layRegions(sheet: Sheet, architecture: Architecture, top: number): DrawnRegion[] {
  const { gap, narrow, width } = sheet;
  const all = architecture.regions.map((region) => contentsOf(region, architecture));
  const columns = narrow ? 1 : Math.max(1, all.length);
  // Room for the lines between regions: beside them on a phone, else between them.
  const [rail, aisle] = [narrow && all.length > 1 ? 34 : 0, narrow ? 56 : 92];
  const own = (width - 2 * gap - rail - (columns - 1) * aisle) / columns;
  const inner = own - 2 * PAD;
  const rows = [...new Set(all.flat().map(({ kind }) => rowOf(kind)))].sort();
  const rowHeights = (contents: readonly Content[]): number[] =>
    rows.map((row) =>
      stackHeight(contents.filter(({ kind }) => rowOf(kind) === row).map((c) => heightOf(c, inner))),
    );
  const shared = rows.map((_, i) => Math.max(...all.map((contents) => rowHeights(contents)[i] ?? 0)));
  let y = top;
  return all.map((contents, column) => {
    const heights = narrow ? rowHeights(contents) : shared;
    const x = gap + (narrow ? 0 : column * (own + aisle));
    const boxes: Place[] = [];
    let below = y + HEADER;
    for (const [i, row] of rows.entries()) {
      const here = contents.filter(({ kind }) => rowOf(kind) === row);
      let at = below;
      for (const content of here) {
        // One box of a row is as high as the row: the regions then read as a table.
        const height = here.length === 1 ? (heights[i] ?? 0) : heightOf(content, inner);
        boxes[contents.indexOf(content)] = { x: x + PAD, y: at, width: inner, height };
        at += height + BETWEEN;
      }
      below += (heights[i] ?? 0) + ((heights[i] ?? 0) > 0 ? BETWEEN : 0);
    }
    const place = { x, y, width: own, height: below - y + PAD - BETWEEN };
    if (narrow) y += place.height + aisle;
    return { place, contents, boxes };
  });
}

const ROWS = ["services", "database", "backups", "secrets"];
const rowOf = (kind: string): number => Math.max(0, ROWS.indexOf(kind));
const stackHeight = (heights: readonly number[]): number =>
  heights.reduce((sum, height) => sum + height, 0) + Math.max(0, heights.length - 1) * BETWEEN;

const middle = (place: Place): number => place.x + place.width / 2;
const centre = (place: Place): number => place.y + place.height / 2;
const right = (place: Place): number => place.x + place.width;

/** From the edge into a region: straight down, or on a phone along the side past the regions above. */
function drawWayIn(sheet: Sheet, drawn: DrawnRegion, first: boolean, serving: boolean, edge: number): void {
  const { place } = drawn;
  const kind = serving ? "flow" : "failover";
  const label = serving ? undefined : "after a failover";
  if (!sheet.narrow || first) {
    const x = middle(place);
    const labelAt = [x + 10, (edge + place.y) / 2 + 4] as const;
    sheet.arrow({ along: [[x, edge], [x, place.y - 2]], kind, label, labelAt }); // prettier-ignore
    return;
  }
  const [x, y] = [right(place) + 25, place.y + 20];
  sheet.arrow({
    along: [[x, edge], [x, y], [right(place) + 2, y]], // prettier-ignore
    kind,
    label,
    labelAt: [right(place), place.y - 12],
    anchor: "end",
  });
}

/** Copies from a box to one in another region. */
function drawCopy(sheet: Sheet, from: Place, to: Place, label: string): void {
  if (sheet.narrow) {
    const x = right(from) + PAD + 10;
    sheet.arrow({
      along: [[right(from), centre(from)], [x, centre(from)], [x, centre(to)], [right(to) + 2, centre(to)]], // prettier-ignore
      kind: "copy",
    });
    return;
  }
  const leftToRight = from.x < to.x;
  const [start, end] = leftToRight ? [right(from), to.x - 2] : [from.x, right(to) + 2];
  const [x, y] = [(start + end) / 2, (centre(from) + centre(to)) / 2 - 8];
  sheet.arrow({
    along: [[start, centre(from)], [end, centre(to)]], // prettier-ignore
    kind: "copy",
    label,
    labelAt: [x, y],
    anchor: "middle",
  });
}

function drawCopies(sheet: Sheet, architecture: Architecture, drawn: readonly DrawnRegion[]): void {
  const of = (kind: string): { content: Content; place: Place; region: number }[] =>
    drawn.flatMap(({ contents, boxes }, region) =>
      contents.flatMap((content, i) => {
        const place = boxes[i];
        return content.kind === kind && place ? [{ content, place, region }] : [];
      }),
    );
  const servers = architecture.regions.flatMap(({ databases }) => databases);
  const isReplica = (title: string): boolean => servers.some((s) => s.server === title && s.replica);
  const databases = of("database");
  const main = databases.find(({ content }) => !isReplica(content.title));
  if (!main) return;
  for (const { content, place } of databases) {
    if (isReplica(content.title)) drawCopy(sheet, main.place, place, "replicates");
  }
  const accounts = of("backups");
  const [near] = accounts.filter(({ region }) => region === main.region);
  if (near) {
    const x = middle(near.place);
    const from = main.place.y + main.place.height;
    sheet.arrow({ along: [[x, from], [x, near.place.y - 2]], kind: "copy" }); // prettier-ignore
  }
  for (const { place, region } of accounts) {
    if (near && region !== near.region) drawCopy(sheet, near.place, place, "copies");
  }
}

/**
 * The architecture as one picture: who comes, the edge, the regions with their roles, what is copied where, and below what
 * nobody has placed yet. Self-contained SVG in the reader's colours; its height follows the contents.
 * @param width pixels; below 700 the regions stand below each other.
 */
export function drawArchitecture(architecture: Architecture, title: string, width = WIDE): string {
  const sheet = new Sheet(width);
  const { edge, regions, unplaced, witnesses } = architecture;
  const below = drawOutside(sheet, architecture);
  const drawn = layRegions(sheet, architecture, below + 56);
  regions.forEach((region, i) => {
    const { place, contents, boxes } = drawn[i] as DrawnRegion;
    const kind = region.role.replace(" ", "-");
    sheet.box(place, { kind, title: `${region.name}: ${region.role}`, lines: [] });
    contents.forEach((content, j) => sheet.box(boxes[j] as Place, content));
  });
  regions.forEach((region, i) => {
    if (edge && (region.role === "serving" || region.role === "standby")) {
      drawWayIn(sheet, drawn[i] as DrawnRegion, i === 0, region.role === "serving", below);
    }
  });
  drawCopies(sheet, architecture, drawn);
  let height = Math.max(below, ...drawn.map(({ place }) => place.y + place.height)) + sheet.gap;
  const records = witnesses.map(
    ({ name, region }) => `${name} in ${region}, beside one in each region: two of three decide`,
  );
  for (const [kind, title, lines] of [
    ["watching", "Record of who serves", records],
    ["none", "Also part of it", unplaced.length > 0 ? [unplaced.join(", ")] : []],
  ] as const) {
    if (lines.length === 0) continue;
    const content: Content = { kind, title, lines };
    const own = width - 2 * sheet.gap;
    sheet.box({ x: sheet.gap, y: height, width: own, height: heightOf(content, own) }, content);
    height += heightOf(content, own) + sheet.gap;
  }
  return sheet.svg(height, title);
}
