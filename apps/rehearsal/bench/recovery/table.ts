import { median } from "../measure";

/** What was measured, and the limit it has. */
export interface Row {
  /** Of which data, e.g. `1.19 GiB`. */
  data: string;
  what: string;
  unit: "s" | "MiB";
  /** One number a run. */
  ours: number[];
  /** Of the same runs, what it is compared with; none: the limit is one of `ours` itself. */
  other?: { name: string; values: number[] };
  limit: { least: number } | { most: number };
}

/** What is compared with the limit: how many times quicker, how much of the other's size or time, or the largest value. */
export function measured({ unit, ours, other, limit }: Row): number {
  if (!other) return Math.max(...ours);
  const [mine, theirs] = [median(ours), median(other.values)];
  return unit === "s" && "least" in limit ? theirs / mine : mine / theirs;
}

export function isMet(row: Row): boolean {
  const value = measured(row);
  return "least" in row.limit ? value >= row.limit.least : value <= row.limit.most;
}

/** One table of everything, in Markdown: numbers, target, and whether it is met. */
export function renderTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const limit = "least" in row.limit ? `>= ${row.limit.least}` : `<= ${row.limit.most}`;
    const unit = row.other ? "" : ` ${row.unit}`;
    const value = `${measured(row).toFixed(row.other ? 2 : 0)}${unit}`;
    const against = row.other ? `${spread(row.other.values, row.unit)}, ${row.other.name}` : "";
    return `| ${row.data} | ${row.what} | ${spread(row.ours, row.unit)} | ${against} | ${value} | ${limit}${unit} | ${isMet(row) ? "met" : "**missed**"} |`;
  });
  const head = ["| dump | | recovery | against | measured | target | |", "|---|---|---|---|---|---|---|"];
  return [...head, ...lines].join("\n");
}

function spread(values: readonly number[], unit: string): string {
  const middle = `${median(values).toFixed(1)} ${unit}`;
  if (values.length === 1) return middle;
  return `${middle} (${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`;
}
