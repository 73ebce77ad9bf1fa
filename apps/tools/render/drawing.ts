import type { Architecture, RegionView } from "./architecture";

const WIDTH = 1000;
const GAP = 24;
const LINE = 17;
const PAD = 14;
const TITLE = 22;

/** Characters of the drawing's text that fit into a pixel of width, nearly: it is set in one size. */
const PER_CHARACTER = 6.7;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Content {
  readonly title: string;
  readonly lines: readonly string[];
  readonly kind: string;
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Shortens what would run out of its box; the verdict and the plan have it whole. */
function fit(text: string, width: number): string {
  const most = Math.floor((width - 2 * PAD) / PER_CHARACTER);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

const heightOf = ({ lines }: Content): number => 2 * PAD + TITLE + lines.length * LINE - 4;

function box({ x, y, width, height }: Box, { title, lines, kind }: Content): string {
  const rows = lines.map(
    (line, i) =>
      `<text x="${x + PAD}" y="${y + PAD + TITLE + 12 + i * LINE}">${escape(fit(line, width))}</text>`,
  );
  return [
    `<g class="${kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
    `<text class="title" x="${x + PAD}" y="${y + PAD + 14}">${escape(fit(title, width))}</text>`,
    ...rows,
    "</g>",
  ].join("\n");
}

interface Arrow {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly kind: "flow" | "failover" | "copy";
  readonly label?: string;
}

function arrow({ from: [x1, y1], to: [x2, y2], kind, label }: Arrow): string {
  const text = label
    ? `<text class="label" x="${(x1 + x2) / 2 + 10}" y="${(y1 + y2) / 2}">${escape(label)}</text>`
    : "";
  return `<path class="${kind}" d="M${x1} ${y1} L${x2} ${y2}" marker-end="url(#head)"/>${text}`;
}

const size = (name: string): string => name.replace("Standard_", "");

const STANDBY: Readonly<Record<string, string>> = {
  ZoneRedundant: "standby in another zone",
  SameZone: "standby in the same zone",
  Disabled: "no standby",
};

/** Boxes of a region, top down. */
function contentsOf(region: RegionView, architecture: Architecture): Content[] {
  const { cluster, services, databases, vaults, accounts } = region;
  const serving = services.filter(({ pods }) => pods !== "0");
  const main = serving.filter(({ pods }) => pods.includes("-"));
  return [
    ...(cluster
      ? [
          {
            kind: "services",
            title: cluster.name,
            lines: [
              `nodes ${cluster.nodes.map(size).join(" + ").replaceAll("-", "–")}, ${cluster.zones} zones`,
              ...(serving.length > 0
                ? [
                    main.map(({ name, pods }) => `${name} ×${pods.replace("-", "–")}`).join(", "),
                    serving
                      .filter((service) => !main.includes(service))
                      .map(({ name }) => name)
                      .join(", "),
                  ].filter((line) => line !== "")
                : [services.length > 0 ? `${services.length} services at zero` : "no services"]),
            ],
          },
        ]
      : [{ kind: "none", title: "no cluster", lines: ["made by a failover"] }]),
    ...databases.map((database) => ({
      kind: "database",
      title: database.server,
      lines: [
        database.replica
          ? `replica, ${size(database.size)}, ${database.diskGB} GiB`
          : `PostgreSQL ${database.version ?? ""}, ${size(database.size)}, ${database.diskGB} GiB`,
        database.replica ? "can be promoted" : (STANDBY[database.standby] ?? database.standby),
      ],
    })),
    ...accounts.map(({ name, redundancy }) => ({
      kind: "backups",
      title: name,
      lines: [
        `${size(redundancy)}, ${architecture.containers.filter(({ immutableDays }) => immutableDays > 0).length} containers nobody can change`,
        architecture.jobs
          .filter(({ name: job }) => /recovery-(daily|monthly|verify|drill)$/.test(job))
          .map(({ name: job }) => job.replace("recovery-", ""))
          .join(", ") || "no runs here",
      ],
    })),
    ...(vaults.length > 0
      ? [{ kind: "secrets", title: vaults.join(", "), lines: ["secrets and keys"] }]
      : []),
  ];
}

const STYLE = `
  .architecture { font: 13px system-ui, sans-serif; background: #fff; }
  .architecture text { fill: #1f2933; }
  .architecture .title { font-weight: 600; font-size: 14px; }
  .architecture .label { font-size: 12px; fill: #52606d; }
  .architecture rect { fill: #f5f7fa; stroke: #9aa5b1; stroke-width: 1.2; }
  .architecture .serving > rect { fill: #f0fff4; stroke: #2f855a; stroke-width: 2; }
  .architecture .standby > rect { fill: #fffdf5; stroke: #b7791f; stroke-width: 2; stroke-dasharray: 7 5; }
  .architecture .lost > rect { fill: #fff5f5; stroke: #c53030; stroke-width: 2; stroke-dasharray: 2 4; }
  .architecture .edge > rect { fill: #ebf4ff; stroke: #2b6cb0; }
  .architecture .database > rect { fill: #e6fffa; stroke: #2c7a7b; }
  .architecture .backups > rect { fill: #faf5ff; stroke: #6b46c1; }
  .architecture .none > rect { stroke-dasharray: 4 4; }
  .architecture path { fill: none; stroke: #52606d; stroke-width: 1.8; }
  .architecture path.failover { stroke: #b7791f; stroke-dasharray: 7 5; }
  .architecture path.copy { stroke: #2c7a7b; }
  .architecture #head path { fill: #52606d; stroke: none; }`;

/**
 * The architecture as one picture: who comes, the edge, the regions with their roles side by side, what is copied where,
 * and below what nobody has placed yet. Self-contained SVG; its width is fixed, its height follows the contents.
 */
export function drawArchitecture(architecture: Architecture, title: string): string {
  const { regions, edge, hosts, unplaced } = architecture;
  const parts: string[] = [];
  const half = (WIDTH - 3 * GAP) / 2;
  const visitors: Content[] = [
    { kind: "outside", title: "Customers", lines: ["orders and dashboard"] },
    { kind: "outside", title: "Partners", lines: ["Shopify, SimplyPrint, SendCloud"] },
  ];
  let y = GAP;
  visitors.forEach((content, i) => {
    parts.push(box({ x: GAP + i * (half + GAP), y, width: half, height: heightOf(content) }, content));
  });
  y += heightOf(visitors[0] as Content);
  const edgeTop = y + 2 * GAP;
  if (edge) {
    const content: Content = {
      kind: "edge",
      title: hosts.join("  ·  "),
      lines: [
        `Front Door ${edge.sku.replace("_AzureFrontDoor", "")}, firewall in ${edge.waf.toLowerCase()} mode, limits per client`,
      ],
    };
    for (const i of [0, 1]) {
      const x = GAP + i * (half + GAP) + half / 2;
      parts.push(arrow({ from: [x, y], to: [x, edgeTop - 2], kind: "flow" }));
    }
    parts.push(box({ x: GAP, y: edgeTop, width: WIDTH - 2 * GAP, height: heightOf(content) }, content));
    y = edgeTop + heightOf(content);
  }
  const top = y + 2.5 * GAP;
  const width = (WIDTH - (regions.length + 1) * GAP) / Math.max(1, regions.length);
  const anchors: { server?: [Box, boolean]; account?: Box }[] = [];
  const drawn = regions.map((region, column) => {
    const x = GAP + column * (width + GAP);
    let below = top + PAD + TITLE + 6;
    const anchor: (typeof anchors)[number] = {};
    const inner = contentsOf(region, architecture).map((content) => {
      const place = { x: x + PAD, y: below, width: width - 2 * PAD, height: heightOf(content) };
      below += place.height + GAP * 0.75;
      if (content.kind === "database") {
        const server = region.databases.find((database) => database.server === content.title);
        anchor.server = [place, server?.replica ?? false];
      }
      if (content.kind === "backups") anchor.account = place;
      return box(place, content);
    });
    anchors.push(anchor);
    return { region, x, inner, bottom: below };
  });
  const bottom = Math.max(top, ...drawn.map((one) => one.bottom));
  for (const { region, x, inner } of drawn) {
    parts.push(
      box(
        { x, y: top, width, height: bottom - top },
        { kind: region.role.replace(" ", "-"), title: `${region.name}: ${region.role}`, lines: [] },
      ),
      ...inner,
    );
    if (edge && region.role !== "lost" && region.role !== "holding backups") {
      const middle = x + width / 2;
      const serving = region.role === "serving";
      parts.push(
        arrow({
          from: [middle, y],
          to: [middle, top - 2],
          kind: serving ? "flow" : "failover",
          label: serving ? undefined : "after a failover",
        }),
      );
    }
  }
  for (const [i, { server, account }] of anchors.entries()) {
    const replica = anchors.findIndex((other) => other.server?.[1] === true);
    const other = anchors[replica]?.server?.[0];
    if (server && !server[1] && other) {
      const [from, to] =
        i < replica ? [server[0].x + server[0].width, other.x] : [server[0].x, other.x + other.width];
      parts.push(
        arrow({
          from: [from, server[0].y + server[0].height / 2],
          to: [to, other.y + other.height / 2],
          kind: "copy",
        }),
      );
    }
    if (server && !server[1] && account) {
      const middle = server[0].x + server[0].width / 2;
      parts.push(
        arrow({ from: [middle, server[0].y + server[0].height], to: [middle, account.y - 2], kind: "copy" }),
      );
    }
  }
  let height = bottom + GAP;
  if (unplaced.length > 0) {
    const content: Content = { kind: "none", title: "Also part of it", lines: [unplaced.join(", ")] };
    parts.push(box({ x: GAP, y: height, width: WIDTH - 2 * GAP, height: heightOf(content) }, content));
    height += heightOf(content) + GAP;
  }
  return [
    `<svg class="architecture" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${Math.round(height)}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z"/></marker></defs>`,
    `<rect x="0" y="0" width="${WIDTH}" height="${Math.round(height)}" style="fill:#fff;stroke:none"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
