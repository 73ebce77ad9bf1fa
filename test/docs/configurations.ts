import { spawnSync } from "node:child_process";
import { roleChanges } from "../../apps/operations/failover/report";
import { platformOf } from "../../apps/operations/platform";
import { readRunbooks, type RunbookSource } from "../../apps/tools/docs/runbook";
import { diffPlans } from "../../apps/tools/render/diff";
import { projectRoot } from "../../packages/command/root";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { readStacks } from "../../stacks/files";
import { planStack, preparePlans } from "../support/plan";

const ROOT = projectRoot(__dirname);

/** Later than any day of a stack file, and none that it refuses: what has happened is at most of tomorrow. */
export const LATER = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);

/** Words of a command as a shell hands them over; every date in it is the same later day. */
const words = (command: string, variables: Record<string, string>): string[] => {
  const probe = `date(){ command date --date=${LATER}T00:00:00Z "$@"; }; pulumi(){ printf '%s\\0' "$@"; }; ${command}`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-uc", probe], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...variables },
  });
  if (stderr) throw new Error(`${command}: ${stderr}`);
  return stdout.split("\0").slice(0, -1);
};

/** Values a command sets, by path; undefined for one it takes away. */
function settings(command: string, variables: Record<string, string>): Record<string, unknown> {
  const [, verb = "", ...rest] = words(command, variables);
  const given = rest.filter((word, index) => !word.startsWith("--") && rest[index - 1] !== "--stack");
  const pairs =
    verb === "set-all"
      ? given.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const)
      : [[given[0] ?? "", given[1]] as const];
  return Object.fromEntries(
    // With --path Pulumi stores these as what they look like.
    pairs.map(([key, value = ""]) => [
      key,
      verb === "rm" ? undefined : /^(true|false|[1-9]\d*)$/.test(value) ? JSON.parse(value) : value,
    ]),
  );
}

/** A page, and the commands on it that set a value which is no secret. */
interface Changing {
  readonly book: Pick<RunbookSource, "id">;
  readonly commands: string[];
}

/** Every page that sets a value, and what a failover commits by itself. */
export function changingBooks(): Changing[] {
  const books = readRunbooks(ROOT);
  const changing: Changing[] = books
    .map((book) => ({
      book,
      commands: book.steps.flatMap(({ command = "" }) =>
        /^pulumi config (set|set-all|rm) /.test(command) && !command.includes(" --secret ") ? [command] : [],
      ),
    }))
    .filter(({ commands }) => commands.length > 0);
  changing.push({
    book: { id: "region-loss" },
    commands: [
      `pulumi config set-all --path ${roleChanges(platformOf(ROOT, "prod").regions, "northeurope", "forced")
        .map(({ path: key, value }) => `--plaintext 'forma3d:${key}=${String(value)}'`)
        .join(" ")}`,
    ],
  });
  return changing;
}

/** Tests that no command of a page replaces, removes or lays open anything of a stack that is protected or holds data. */
export function testConfigurations(stacks: readonly string[]): void {
  test.each(stacks)(
    "a configuration that a runbook sets replaces, removes and lays open nothing in %s that is protected or holds data",
    async (stack) => {
      const config = readStacks(ROOT)[stack];
      // One region: nothing to fail over to.
      const books = changingBooks().filter(
        ({ book }) => config?.regions.secondary !== undefined || book.id !== "region-loss",
      );
      const variables = {
        ENVIRONMENT: stack,
        TOKEN_KEY_DATE: config?.vault.tokenEncryptionKeys[0] ?? "",
      };
      const stages = books.flatMap(({ book, commands }) => {
        let overrides: Record<string, unknown> = {};
        return commands.map((command) => {
          const before = overrides;
          overrides = { ...overrides, ...settings(command, variables) };
          for (const [key, value] of Object.entries(overrides))
            if (value === undefined) delete overrides[key];
          return { step: `${book.id}: ${command}`, before, after: overrides };
        });
      });
      await preparePlans([{ stack }, ...stages.map(({ after }) => ({ stack, config: after }))]);
      const model = sandboxModel();
      for (const { step, before, after } of stages) {
        const [earlier, later] = [
          await planStack(stack, { config: before }),
          await planStack(stack, { config: after }),
        ];
        expect([step, later.errors]).toEqual([step, []]);
        const changes = diffPlans(earlier, later, model);
        // A command that changes nothing at all would be a key nobody reads.
        expect([step, changes.length > 0]).toEqual([step, true]);
        const lost = changes.filter(({ danger }) => /would be (replaced|removed|refused)/.test(danger));
        expect([step, lost.map(({ urn, danger }) => `${urn}: ${danger}`)]).toEqual([step, []]);
      }
    },
    180_000,
  );
}
