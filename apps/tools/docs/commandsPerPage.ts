import { table } from "./alertsPage";
import { filledPage } from "./marked";
import { readRunbooks, type RunbookSource } from "./runbook";

/** Page that has the table. */
export const COMMANDS_FILE = "docs/operations.md";

interface Count {
  /** What a person does, decisions and calls among it. */
  steps: number;
  /** What of it is typed. */
  commands: number;
}

const of = (steps: number, commands: number): Count => ({ steps, commands });

/** The commit before the first verb. */
const THEN = "2e8a246";

/** The pages as they were then, counted in `git show 2e8a246:docs/runbooks/source/`; history, which nothing changes. */
const BEFORE: Readonly<Record<string, Count>> = {
  "accidental-deletion": of(9, 8),
  "application-crash": of(5, 5),
  "backup-failed": of(5, 5),
  "credential-rotation": of(12, 10),
  "database-connection": of(7, 7),
  "database-failover": of(8, 8),
  "database-restore": of(10, 10),
  "disk-space": of(6, 6),
  "drill-overdue": of(4, 4),
  "error-rate-spike": of(5, 5),
  "memory-oom": of(4, 4),
  misconfiguration: of(5, 4),
  "monitoring-blind": of(4, 3),
  "network-dns": of(5, 5),
  "partner-down": of(2, 2),
  "point-in-time-restore": of(9, 7),
  "queue-backlog": of(3, 2),
  "region-loss": of(10, 9),
  "security-breach": of(8, 5),
  "sendcloud-shipping": of(4, 2),
  "shopify-down": of(4, 2),
  "shopify-webhooks": of(5, 3),
  "simplyprint-sync": of(4, 2),
  "ssl-renewal": of(3, 3),
  "webhook-flood": of(4, 3),
};

const counted = ({ steps }: RunbookSource): Count =>
  of(steps.length, steps.filter(({ command }) => command !== undefined).length);

const isVerb = (command: string | undefined): boolean => /npm run -s operations -- /.test(command ?? "");

const told = (count: Count | undefined): string =>
  count ? `${count.steps}, ${count.commands} typed` : "no such page";

const sum = (counts: readonly Count[]): Count =>
  of(
    counts.reduce((all, { steps }) => all + steps, 0),
    counts.reduce((all, { commands }) => all + commands, 0),
  );

/** What a person did on each page before there were verbs, and does now: pages with a verb, and all together. */
function commandsPerPage(root: string): string {
  const books = readRunbooks(root);
  const withVerb = books.filter(({ steps }) => steps.some(({ command }) => isVerb(command)));
  const row = (title: string, before: Count | undefined, now: Count): string[] => [
    title,
    told(before),
    told(now),
  ];
  const inBoth = books.filter(({ id }) => BEFORE[id] !== undefined);
  return table(
    ["Page", `Steps before (${THEN})`, "Steps now"],
    [
      ...withVerb.map((book) => row(`[${book.id}](runbooks/${book.id}.md)`, BEFORE[book.id], counted(book))),
      row("the pages there were then", sum(Object.values(BEFORE)), sum(inBoth.map(counted))),
    ],
  );
}

/** The page with that table between its markers, out of the formatter's hands; everything else is written by hand. */
export const renderCommands = (root: string): string =>
  filledPage(
    root,
    COMMANDS_FILE,
    "commands",
    `<!-- prettier-ignore-start -->\n\n${commandsPerPage(root)}\n\n<!-- prettier-ignore-end -->`,
  );
