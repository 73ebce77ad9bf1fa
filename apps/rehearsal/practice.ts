import fs from "node:fs";
import path from "node:path";
import { Argument } from "commander";
import { createCommand, runCommand } from "../../packages/command/program";
import { projectRoot } from "../../packages/command/root";
import { readStacks } from "../../stacks/files";
import type { Loss } from "../../packages/emulated-azure/cloud";
import type { RoleName } from "../operations/rights";
import { Laptop } from "./laptop";
import type { Customer } from "./laptop/customer";
import { groupOf } from "./laptop/operators";
import { answerLines } from "./typedLines";

const HELP = `\
  orders                what the customer was told, and what is missing
  lose <region>         everything of it is gone: servers, cluster, vault, accounts
  cut off <region>      it lives on, and nobody outside reaches it
  silence <region>      it lives on, and swallows what is sent there: nothing is refused
  back <region>         it answers again
  help
  quit                  ends everything; nothing is left`;

/** Ways to lose a region, by what is typed. */
const LOSSES: Readonly<Record<string, Loss>> = { lose: "dead", "cut off": "cut off", silence: "silent" };

/** Files with what a holder of each role needs in the environment, always of this moment. */
function settingsFiles(laptop: Laptop): { write(): void; file(role: RoleName): string } {
  const folder = path.join(laptop.folder, "settings");
  fs.mkdirSync(folder, { mode: 0o700 });
  const file = (role: RoleName) => path.join(folder, role);
  return {
    file,
    write() {
      for (const role of Object.keys(laptop.operators) as RoleName[]) {
        const lines = Object.entries(laptop.environment(groupOf(role))).map(
          ([name, value]) => `export ${name}='${value}'\n`,
        );
        // Whoever reads it at this moment reads the one or the other.
        fs.writeFileSync(`${file(role)}.new`, lines.join(""), { mode: 0o600 });
        fs.renameSync(`${file(role)}.new`, file(role));
      }
    },
  };
}

/** One line about the customer: what was confirmed when, and what of it the writer's name does not show. */
async function orders(laptop: Laptop, customer: Customer): Promise<string> {
  const last = Math.max(0, ...customer.confirmed.values());
  const ago = `${((Date.now() - last) / 1000).toFixed(1)} s ago`;
  const head = `${customer.confirmed.size} orders confirmed, the last ${ago}; ${customer.failed} refused`;
  const missing = await laptop.missing(customer).catch(() => undefined);
  return missing === undefined
    ? `${head}; the database does not answer`
    : `${head}; ${missing.length} of the confirmed ones are missing`;
}

async function answer(line: string, laptop: Laptop, customer: Customer): Promise<string> {
  const [, what, region = ""] = /^(lose|cut off|silence|back|orders|help)(?: (\S+))?$/.exec(line) ?? [];
  const regions = laptop.platform.regions.map(({ location }) => location);
  if (what === "help") return HELP;
  if (what === "orders") return orders(laptop, customer);
  if (what === undefined) return `"${line}" is none of these:\n${HELP}`;
  if (!regions.includes(region)) return `${what} "${region}": no region; allowed: ${regions.join(", ")}`;
  const how = LOSSES[what];
  if (how) await laptop.lose(region, how);
  else await laptop.bringBack(region);
  return `${region} is ${how ?? "back"}; ${await orders(laptop, customer)}`;
}

async function practise(stack: string): Promise<void> {
  console.log(`${stack} is planned and served; this takes a minute`);
  const laptop = await Laptop.open(stack);
  try {
    const customer = laptop.customer();
    await customer.places(1);
    const settings = settingsFiles(laptop);
    settings.write();
    laptop.served.cloud.losses.on(() => settings.write());
    const [home, away] = laptop.platform.regions.map(({ location }) => location);
    const verb = (role: RoleName, args: string) =>
      `  . ${settings.file(role)}; npm run -s operations -- ${args}`;
    console.log(
      [
        `${stack} serves, and a customer places one order after the other. Type here:`,
        HELP,
        "and in another shell, each as who holds that one role:",
        verb("operator", `status ${stack}`),
        ...(away ? [verb("operator", `failover ${stack} --to ${away}`)] : []),
        verb("rotator", `rotate ${stack} session-secret`),
        verb("adopter", `pitr ${stack} --at <moment> --adopt`),
        `what the cloud holds: ${laptop.served.page.address}`,
        ...(away ? [`begin with: lose ${home ?? ""}`] : []),
      ].join("\n"),
    );
    await answerLines(process.stdin, async (line) => console.log(await answer(line, laptop, customer)));
    console.log(await orders(laptop, customer));
  } finally {
    await laptop.close();
  }
}

const program = createCommand(
  "practice",
  "Serves a stack on this machine with its pods at work and a customer who orders, to lose a region of and to type verbs at.",
  { 0: "ended by quit, or the end of its input", 1: "it could not be served" },
)
  .addArgument(new Argument("<stack>").choices(Object.keys(readStacks(projectRoot(__dirname)))))
  .action(practise);

export async function main(): Promise<void> {
  await runCommand(program);
}
