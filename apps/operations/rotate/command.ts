import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { z } from "zod";
import { common, helpOf, runVerb, type CommonOptions } from "../commandLine";
import { failed, refused } from "../frame/errors";
import { prompt } from "../frame/prompt";
import { NAMES, unitsOf } from "./units";
import { rotate } from ".";

interface RotateOptions extends CommonOptions {
  all?: boolean;
  untested?: boolean;
  values?: boolean;
  without?: string;
}

const handedIn = z.record(z.string(), z.string().min(1));

export function registerRotate(program: Command): void {
  common(program.command("rotate"))
    .description("Gives secrets new values in both vaults, the database and the pods; the old ones end.")
    .argument("[secrets...]", `of ${NAMES.join(", ")}`)
    .option("--all", "every secret that can be made here, and the partners' whose values are handed in")
    .option("--values", 'partners\' new values are on standard input: {"simplyprint-api-key": "…"}')
    .option("--untested", "take a partner's value although the API cannot say whether it works")
    .option("--without <region>", "a region that is lost: its vault and cluster are left as they are")
    .addHelpText("after", helpOf("rotate"))
    .action(async (stack: string, secrets: string[], options: RotateOptions) => {
      if (options.all && secrets.length > 0) throw refused("--all and names of secrets exclude each other");
      if (!options.all && secrets.length === 0) throw refused("name the secrets, or --all");
      unitsOf(secrets);
      const given = options.values ? await readValues() : {};
      const { isTTY: person } = process.stdin;
      const supply = {
        untested: options.untested ?? false,
        value: async (name: string, signal: AbortSignal) =>
          given[name] ?? (person ? await typed(name, signal) : undefined),
      };
      await runVerb(stack, options, ["database", "clusters"], ({ platform, ground }) =>
        rotate(platform, ground, {
          secrets: options.all ? "all" : secrets,
          supply,
          offered: (name) => person || given[name] !== undefined,
          ...(options.without !== undefined && { without: options.without }),
        }),
      );
    });
}

/** @throws OperationError for anything but an object of values, without showing any of it */
async function readValues(): Promise<Record<string, string>> {
  let document: unknown;
  try {
    document = JSON.parse(await text(process.stdin));
  } catch {
    throw refused("--values: standard input is not one JSON document");
  }
  const parsed = handedIn.safeParse(document);
  if (!parsed.success) throw refused("--values: expected one JSON object of secret names and values");
  const unknown = Object.keys(parsed.data).filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw refused(`--values: no secret ${unknown.join(", ")}`);
  return parsed.data;
}

/** Asks without showing what is typed. @throws OperationError for whoever leaves without an answer */
async function typed(name: string, signal: AbortSignal): Promise<string | undefined> {
  const question = `new value of ${name} (empty: the present one stays): `;
  const value = await prompt(question, signal, { hidden: true });
  if (value === undefined) throw failed(`nobody typed a new value of ${name}; nothing of it is changed`);
  return value || undefined;
}
