import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { unprivilegedAccount, type Account } from "../../programs/postgres";
import { ACCESS, PROVIDER_ROLE } from "../../local-servers/flexibleShape";
import { copyInstallation } from "../../local-servers/installation";
import { productionPrograms, serverPrograms } from "../../local-servers/postgresPrograms";
import { startSupervised, temporaryDirectory, type Supervised } from "../../local-servers/supervised";

/** The provider's own superuser: no customer of the cloud ever logs in as it. */
export { PROVIDER_ROLE };

/** How all servers of one cloud are. */
export interface HomeOptions {
  /** Major version; default: production's where it is installed, else the newest installed. */
  version?: number;
  /** PEM texts the servers offer TLS with, which they then demand of everybody but the provider; default: in clear. */
  tls?: { cert: string; key: string };
  /**
   * Extensions a role without superuser may create, and no other, as `azure.extensions` has them; default: those
   * PostgreSQL itself trusts. Cannot be held where the release cannot be moved, as Debian's packages.
   */
  extensions?: readonly string[];
}

type Tool = "initdb" | "postgres" | "pg_basebackup" | "pg_rewind";

/** Where the programs of one release are. */
interface Programs {
  readonly version: number;
  readonly bin: string;
  /** Where the servers' own are, when extensions are limited there. */
  readonly limited: string | undefined;
}

/** What all servers of one cloud share: the installed PostgreSQL, a folder, and the provider's password. */
export class Home {
  readonly password = randomBytes(18).toString("base64url");
  private counter = 0;

  /** Major version of the servers that run. */
  readonly version: number;

  private constructor(
    readonly folder: string,
    private readonly programs: Programs,
    readonly account: Account | undefined,
    private readonly keeper: Supervised,
    private readonly tls: HomeOptions["tls"],
  ) {
    this.version = programs.version;
    if (tls) {
      this.write(path.join(folder, "server.crt"), tls.cert);
      this.write(path.join(folder, "server.key"), tls.key);
    }
  }

  /** @throws NotRunError when the version is not installed */
  static async open({ version, tls, extensions }: HomeOptions = {}): Promise<Home> {
    const programs = version === undefined ? productionPrograms() : serverPrograms(version);
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
    const limited =
      extensions && copyInstallation(programs, extensions, path.join(folder, "programs"), account);
    const own = limited && path.dirname(limited.postgres);
    return new Home(folder, { version: programs.version, bin, limited: own }, account, keeper, tls);
  }

  program(tool: Tool): string {
    const { bin, limited } = this.programs;
    return path.join(
      limited !== undefined && (tool === "postgres" || tool === "initdb") ? limited : bin,
      tool,
    );
  }

  /** Whether extensions beyond the allow-list are refused. */
  get limitsExtensions(): boolean {
    return this.programs.limited !== undefined;
  }

  /** PEM files of the servers' certificate and key, where they offer TLS. */
  get certificate(): { certificate: string; key: string } | undefined {
    const file = (name: string): string => path.join(this.folder, name);
    return this.tls && { certificate: file("server.crt"), key: file("server.key") };
  }

  /** Lines of pg_hba.conf; undefined for those initdb writes. */
  get access(): readonly string[] | undefined {
    return this.tls && ACCESS;
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
