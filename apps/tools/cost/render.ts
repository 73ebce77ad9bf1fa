import { difference, Estimate } from "./price";
import type { PriceTable } from "./table";

const money = (value: number): string => value.toFixed(2);
const signed = (value: number): string => `${value > 0 ? "+" : ""}${money(value)}`;

function table(header: string[], rows: string[][]): string {
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Components with their monthly cost, the dearest first. */
export function renderEstimate(stack: string, { byComponent, total, currency, date }: Estimate): string {
  const rows = Object.entries(byComponent).sort((a, b) => b[1] - a[1]);
  return [
    `${stack}: ${money(total)} ${currency} a month (list prices of ${date}, about ±15 %)`,
    "",
    table(
      ["Component", `${currency} a month`],
      [...rows.map(([component, cost]) => [component, money(cost)]), ["**Total**", `**${money(total)}**`]],
    ),
    "",
  ].join("\n");
}

/** What changed between two plans. */
export function renderDifference(before: Estimate, after: Estimate): string {
  const rows = difference(before, after);
  if (rows.length === 0) return "No change in cost.\n";
  return [
    `Change: ${signed(after.total - before.total)} ${after.currency} a month`,
    "",
    table(
      ["Component", "before", "after", "change"],
      rows.map((row) => [row.component, money(row.before), money(row.after), signed(row.after - row.before)]),
    ),
    "",
  ].join("\n");
}

/** Single items behind an estimate. */
export function renderLines({ lines, currency }: Estimate): string {
  return [
    table(
      ["Resource", "Item", "Quantity", `${currency} a month`],
      [...lines]
        .sort((a, b) => b.cost - a.cost)
        .map(({ resource, item, quantity, cost }) => [
          resource,
          item,
          String(Number(quantity.toFixed(2))),
          money(cost),
        ]),
    ),
    "",
  ].join("\n");
}

/** The report's three options beside what this platform does, and costs. */
export function renderOptions(
  { options }: PriceTable,
  estimates: readonly (readonly [string, Estimate])[],
): string {
  const here = (components: readonly string[], { byComponent }: Estimate): number =>
    Object.entries(byComponent)
      .filter(([name]) => components.some((ending) => name.endsWith(ending)))
      .reduce((sum, [, cost]) => sum + cost, 0);
  return [
    table(
      [
        ...["Component", "A: budget", "B: recommended", "C: enterprise", "Here"],
        ...estimates.map(([stack]) => `${stack}, USD a month`),
      ],
      options.map((option) => [
        ...[option.component, option.budget, option.recommended, option.enterprise, option.here],
        ...estimates.map(([, estimate]) => money(here(option.components, estimate))),
      ]),
    ),
    "",
  ].join("\n");
}

/** What each promise costs in a plan; lines that no promise names are told as well. */
export function renderPromises({ promises }: PriceTable, { lines, total, currency }: Estimate): string {
  const sums = new Map(promises.map(({ promise }) => [promise, 0]));
  let rest = 0;
  for (const { resource, item, cost } of lines) {
    const { promise } =
      promises.find(({ costs }) => costs.some((part) => new RegExp(part).test(`${resource} ${item}`))) ?? {};
    if (promise === undefined) rest += cost;
    else sums.set(promise, (sums.get(promise) ?? 0) + cost);
  }
  return [
    table(
      ["Promise", `${currency} a month`],
      [
        ...[...sums].map(([promise, cost]) => [promise, money(cost)]),
        ["What no promise needs alone", money(rest)],
        ["**Total**", `**${money(total)}**`],
      ],
    ),
    "",
  ].join("\n");
}
