import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { unprivilegedAccount, type Account } from "../../programs/postgres";
import { serverPrograms } from "../../local-servers/postgresPrograms";
import { startSupervised, temporaryDirectory, type Supervised } from "../../local-servers/supervised";

/** The provider's own superuser: no customer of the cloud ever logs in as it. */
export const PROVIDER_ROLE = "azuresu";

type Tool = "initdb" | "postgres" | "pg_basebackup" | "pg_rewind";

/** What all servers of one cloud share: the installed PostgreSQL, a folder, and the provider's password. */
export class Home {
  readonly password = randomBytes(18).toString("base64url");
  private counter = 0;

  private constructor(
    readonly folder: string,
    /** Major version of the servers that run. */
    readonly version: number,
    private readonly bin: string,
    readonly account: Account | undefined,
    private readonly keeper: Supervised,
  ) {}

  /** @param version major version wanted; default: the newest installed. @throws NotRunError when it is not installed */
  static async open(version?: number): Promise<Home> {
    const programs = serverPrograms(version);
    const account = unprivilegedAccount();
    const folder = temporaryDirectory("azure-postgres", account);
    // Holds the folder, not a server: gone with this process, however it ends.
    const keeper = await startSupervised({
      directory: folder,
      account,
      stopSignal: "KILL",
      command: ["sleep", "1000000"],
    });
    const bin = path.dirname(fs.realpathSync(programs.postgres));
    return new Home(folder, programs.version, bin, account, keeper);
  }

  program(tool: Tool): string {
    return path.join(this.bin, tool);
  }

  /** A new folder, empty, that the servers' account owns. */
  directory(name: string): string {
    const folder = path.join(this.folder, `${name}-${++this.counter}`);
    fs.mkdirSync(folder, { mode: 0o700 });
    if (this.account) fs.chownSync(folder, this.account.uid, this.account.gid);
    return folder;
  }

  write(file: string, text: string): void {
    fs.writeFileSync(file, text, { mode: 0o600 });
    if (this.account) fs.chownSync(file, this.account.uid, this.account.gid);
  }

  /** Runs one of PostgreSQL's programs to its end. @throws Error with what it said */
  async run(tool: Tool, args: readonly string[]): Promise<void> {
    const environment = { ...process.env, PGPASSWORD: this.password };
    try {
      await promisify(execFile)(this.program(tool), [...args], {
        cwd: this.folder,
        env: environment,
        ...(this.account ?? {}),
      });
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim();
      throw new Error(`${tool}: ${said ? said : String(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.keeper.stop();
  }
}
