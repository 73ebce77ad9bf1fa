import { difference, type Estimate } from "../cost/price";
import { count } from "../render/text";
import { Html, markup } from "./html";
import type { Section } from "./section";

/** Part of the total below which a component is counted together with the others like it. */
const SMALL = 0.01;

const text = (value: number, digits: number): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const exact = (value: number): string => text(value, 2);
const signed = (value: number): string => `${value > 0 ? "+" : "−"}${exact(Math.abs(value))}`;

/** Money without cents. */
export const money = (value: number): string => text(value, 0);

function changeText(before: Estimate, after: Estimate): Html {
  const total = after.total - before.total;
  return Math.abs(total) < 0.005
    ? markup`<p>It costs what it cost before.</p>`
    : markup`<p><b>${signed(total)} ${after.currency}</b> a month against before.</p>`;
}

interface Row {
  readonly name: string;
  readonly value: number;
  /** What it costs more than before. */
  readonly change: number;
}

/** Components, the dearest first; small ones that did not change are one row. */
function rowsOf(cost: Estimate, before: Estimate | undefined): Row[] {
  const changed = before ? difference(before, cost) : [];
  const names = new Set([...Object.keys(cost.byComponent), ...changed.map(({ component }) => component)]);
  const all = [...names].map((name): Row => {
    const row = changed.find(({ component }) => component === name);
    return { name, value: cost.byComponent[name] ?? 0, change: row ? row.after - row.before : 0 };
  });
  const isSmall = ({ value, change }: Row): boolean => value < SMALL * cost.total && change === 0;
  const small = all.filter(isSmall);
  const rest = small.reduce((sum, { value }) => sum + value, 0);
  return [
    ...all.filter((row) => !isSmall(row)).sort((a, b) => b.value - a.value),
    ...(small.length > 0
      ? [{ name: `${count(small.length, "other")}, each below 1 %`, value: rest, change: 0 }]
      : []),
  ];
}

function componentTable(cost: Estimate, before: Estimate | undefined): Html {
  const rows = rowsOf(cost, before);
  const most = Math.max(...rows.map(({ value }) => value));
  return markup`<table class="cost">
      <thead>
        <tr><th scope="col">Component</th><th scope="col" class="number">${cost.currency} a month</th><th scope="col" class="bar"><span class="unseen">share</span></th></tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, value, change }) => markup`<tr>
            <th scope="row">${name}</th>
            <td class="number">${exact(value)}${change !== 0 && markup` <small>${signed(change)}</small>`}</td>
            <td class="bar"><meter min="0" max="${most.toFixed(2)}" value="${value.toFixed(2)}">${exact(value)}</meter></td>
          </tr>`,
        )}
      </tbody>
      <tfoot><tr><th scope="row">Total</th><td class="number">${exact(cost.total)}</td><td class="bar"></td></tr></tfoot>
    </table>`;
}

function itemTable({ lines, currency }: Estimate): Html {
  const rows = [...lines].sort((a, b) => b.cost - a.cost);
  return markup`<details>
      <summary>Every item</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr><th scope="col">Resource</th><th scope="col">Item</th><th scope="col" class="number">Quantity</th><th scope="col" class="number">${currency}</th></tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ resource, item, quantity, cost }) =>
                markup`<tr><td>${resource}</td><td>${item}</td><td class="number">${Number(quantity.toFixed(2))}</td><td class="number">${exact(cost)}</td></tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>`;
}

/** What a plan costs, by component, against what it cost before, and the single items folded. */
export function costSection(cost: Estimate | string, before?: Estimate | string): Section {
  const [id, title] = ["cost", "Cost"];
  if (typeof cost === "string") return { id, title, body: markup`<p>${cost}</p>` };
  const earlier = typeof before === "object" ? before : undefined;
  const body = markup`<p><b>${exact(cost.total)} ${cost.currency}</b> a month, at list prices of ${cost.date}, give or take 15 %.</p>
    ${earlier && changeText(earlier, cost)}
    ${componentTable(cost, earlier)}
    ${itemTable(cost)}`;
  return { id, title, body };
}
