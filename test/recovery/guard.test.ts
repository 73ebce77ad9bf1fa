import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "../support/property";
import { Client } from "pg";
import { runGuard } from "../../apps/recovery/commands/guard";
import { canonicalHost, danger, hostsOf, judgeUrl, type GuardPolicy } from "../../apps/recovery/guard/policy";
import { MARKER_ROLE, setMarker } from "../../apps/recovery/guard/marker";
import { loadSettings } from "../../apps/recovery/settings";
import type { FlexibleServer } from "../../packages/local-servers/flexibleServer";
import { startPostgres, type LocalPostgres } from "../../packages/local-servers/postgres";
import { verb } from "../support/recoveryCli";
import { startPlatformServer } from "../support/recoveryLab";

const settings = (env: Record<string, string>) => loadSettings(env, ["database"]);
const policy: GuardPolicy = {
  environment: "staging",
  allowedHosts: ["staging.writer.postgres.database.azure.com"],
  tls: "require",
};
const ours = "staging.writer.postgres.database.azure.com";

describe("the connection string, before anything is connected", () => {
  test.each([
    ["the plain host", `postgresql://api:x@${ours}:6432/forma3d?sslmode=require`, []],
    ["capitals and a final dot", `postgresql://api:x@${ours.toUpperCase()}./forma3d?sslmode=require`, []],
    [
      "another host",
      "postgresql://api:x@prod.example.com/forma3d?sslmode=require",
      [/^prod\.example\.com is not a/],
    ],
    [
      "our host as user name",
      `postgresql://${ours}:x@prod.example.com/d?sslmode=require`,
      [/^prod\.example\.com/],
    ],
    [
      "a host parameter",
      `postgresql://api:x@${ours}/d?sslmode=require&host=prod.example.com`,
      [/^prod\.example/],
    ],
    [
      "an address parameter",
      `postgresql://api:x@${ours}/d?sslmode=require&hostaddr=10.1.2.3`,
      [/^10\.1\.2\.3/],
    ],
    [
      "a list of hosts",
      `postgresql://api:x@${ours}:1,prod.example.com:2/d?sslmode=require`,
      [/^prod\.example/],
    ],
    ["an encoded host", `postgresql://api:x@prod%2Eexample.com/d?sslmode=require`, [/^prod\.example\.com/]],
    [
      "our host as a subdomain",
      `postgresql://api:x@${ours}.evil.example/d?sslmode=require`,
      [/evil\.example/],
    ],
    [
      "no encryption asked for",
      `postgresql://api:x@${ours}/d`,
      [/has sslmode=\(none\); needed here: require/],
    ],
    ["encryption refused", `postgresql://api:x@${ours}/d?sslmode=disable`, [/has sslmode=disable/]],
    [
      "two modes",
      `postgresql://api:x@${ours}/d?sslmode=require&sslmode=disable`,
      [/sslmode=require,disable/],
    ],
    ["an unknown mode", `postgresql://api:x@${ours}/d?sslmode=strong`, [/has sslmode=strong/]],
  ])("%s", (_, url, expected) => {
    const problems = judgeUrl(url, policy);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, index) => expect(problems[index]).toMatch(pattern));
  });

  test("verify-full needs a verified certificate, in libpq's words or in Prisma's", () => {
    const strict = { ...policy, tls: "verify-full" as const };
    const problems = (parameters: string) => judgeUrl(`postgresql://api:x@${ours}/d?${parameters}`, strict);
    expect(problems("sslmode=verify-full")).toEqual([]);
    expect(problems("sslmode=require&sslaccept=strict")).toEqual([]);
    expect(problems("sslmode=require")).toHaveLength(1);
    expect(problems("sslmode=prefer&sslaccept=strict")).toHaveLength(1);
  });

  test("whatever surrounds a foreign host, it is found", () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    fc.assert(
      fc.property(
        word,
        word,
        fc.constantFrom("", ".", ":5432"),
        fc.boolean(),
        (user, host, tail, asParameter) => {
          const foreign = `${host}.example.org`;
          const url = asParameter
            ? `postgresql://${user}:pw@${ours}/d?sslmode=require&host=${foreign}`
            : `postgresql://${user}:p%40w@${foreign.toUpperCase()}${tail}/d?sslmode=require`;
          return hostsOf(url).includes(foreign) && judgeUrl(url, policy).length === 1;
        },
      ),
    );
  });

  test("one machine has one spelling", () => {
    expect(canonicalHost("DB.Example.COM.")).toBe("db.example.com");
    expect(canonicalHost("[::1]")).toBe("::1");
    expect(canonicalHost("bücher.example")).toBe("xn--bcher-kva.example");
  });

  test("the message is the report's", () => {
    expect(danger(policy, ["x"]).split("\n")[0]).toBe(
      "DANGER: Non-production environment connected to production database!",
    );
    expect(danger({ ...policy, environment: "prod" }, ["x"])).toMatch(/^DANGER: Production environment/);
  });
});

describe("the connected server", () => {
  let server: FlexibleServer;
  /** The administrator, who is no superuser. */
  let address: string;
  const env = (environment: string, more: Record<string, string> = {}) => ({
    DATABASE_URL: address,
    ENVIRONMENT: environment,
    ...more,
  });
  const sql = async (text: string) => {
    const client = new Client({ connectionString: address });
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };

  beforeAll(async () => {
    server = await startPlatformServer();
    address = server.url(server.administrator, "postgres");
  });
  afterAll(() => server.stop());
  beforeEach(() => sql(`drop role if exists ${MARKER_ROLE}`));

  test("is refused without a marker, accepted once marked, and never marked as another", async () => {
    await expect(runGuard(settings(env("prod")), {})).rejects.toThrow(
      /DANGER:[^]*carries no environment marker/,
    );
    expect(await runGuard(settings(env("prod")), { mark: true })).toMatchObject({
      marker: "set",
      tls: expect.stringMatching(/^TLSv1\.[23]$/) as string,
    });
    expect(await runGuard(settings(env("prod")), {})).toMatchObject({
      marker: "present",
      environment: "prod",
    });
    expect(await runGuard(settings(env("prod")), { mark: true })).toMatchObject({ marker: "present" });

    const staging = settings(env("staging"));
    await expect(runGuard(staging, {})).rejects.toThrow(
      "DANGER: Non-production environment connected to production database!\n" +
        "  the server is marked prod, this workload belongs to staging",
    );
    await expect(runGuard(staging, { mark: true })).rejects.toThrow(
      /marked prod already; a marker is never changed/,
    );
    expect(await runGuard(settings(env("prod")), {})).toMatchObject({ marker: "present" });
  });

  test("keeps its marker for a database restored into it, and for roles without any right", async () => {
    await runGuard(settings(env("prod")), { mark: true });
    await sql("create database restored");
    await sql("create role app login password 'app-password'");
    try {
      const url = server.url(server.administrator, "restored").replace(/\/\/[^@]+@/, "//app:app-password@");
      expect(await runGuard(settings({ DATABASE_URL: url, ENVIRONMENT: "prod" }), {})).toMatchObject({
        marker: "present",
      });
      await expect(runGuard(settings({ DATABASE_URL: url, ENVIRONMENT: "staging" }), {})).rejects.toThrow(
        /DANGER/,
      );
    } finally {
      await sql("drop database restored");
      await sql("drop role app");
    }
  });

  test("two administrators marking at once end with one marker", async () => {
    const mark = async (environment: string) => {
      const client = new Client({ connectionString: address });
      await client.connect();
      try {
        return await setMarker(client, environment).catch(() => "refused");
      } finally {
        await client.end();
      }
    };
    const results = await Promise.all([mark("prod"), mark("staging"), mark("prod")]);
    expect(results.filter((result) => result === true)).toHaveLength(1);
    const [marked] = await sql(
      `select shobj_description(oid, 'pg_authid') as environment from pg_roles where rolname = '${MARKER_ROLE}'`,
    );
    expect(results.filter((result) => result === "refused")).toHaveLength(
      marked?.environment === "prod" ? 1 : 2,
    );
  });

  test("a foreign host is refused without connecting to it", async () => {
    const foreign = settings({
      DATABASE_URL: "postgresql://api:x@127.0.0.2:1/d?sslmode=require",
      ENVIRONMENT: "staging",
    });
    await expect(runGuard(foreign, {})).rejects.toThrow(
      /DANGER:[^]*127\.0\.0\.2 is not a database host of staging/,
    );
  });

  test("a clear-text server is refused where TLS is demanded", async () => {
    // No server of the platform's is in clear, and this one is asked nothing but that.
    const clear = await startPostgres();
    try {
      const url = `${clear.url}?sslmode=require`;
      await expect(
        runGuard(settings(env("prod", { DATABASE_URL: url, GUARD_TLS: "require" })), {}),
      ).rejects.toThrow(/DANGER:[^]*does not support SSL/);
    } finally {
      await clear.stop();
    }
  });

  test("the command line: exit codes, one JSON document, no secret", async () => {
    const marked = await verb(["guard", "--mark", "--json"], env("prod"));
    expect(marked).toMatchObject({ code: 0 });
    expect(JSON.parse(marked.stdout)).toMatchObject({ environment: "prod", marker: "set" });

    const danger = await verb(["guard", "--json"], env("staging"));
    expect(danger.code).toBe(1);
    expect(danger.stderr).toMatch(/DANGER: Non-production environment connected to production database!/);
    expect(JSON.parse(danger.stdout)).toMatchObject({ error: { exitCode: 1 } });

    const usage = await verb(["guard"], { GUARD_TLS: "maybe", GUARD_ALLOWED_HOSTS: "https://db" });
    expect(usage.code).toBe(2);
    for (const name of ["DATABASE_URL", "ENVIRONMENT", "GUARD_TLS", "GUARD_ALLOWED_HOSTS"]) {
      expect(usage.stderr).toContain(`${name}: `);
    }

    const password = address.replace(/:[^:@]+@/, ":wrong-password@");
    const refused = await verb(["guard"], env("prod", { DATABASE_URL: password }));
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(
      /cannot ask localhost:\d+\/postgres for its marker: password authentication/,
    );
    expect(refused.stderr).not.toContain("wrong-password");
    expect(refused.stderr).not.toMatch(/\n\s+at /);
  });
});

describe("a server with TLS", () => {
  let folder: string;
  let server: LocalPostgres;
  const url = (parameters: string) => `${server.url.replace("127.0.0.1", "localhost")}?${parameters}`;
  const guard = (parameters: string, tls: string) =>
    runGuard(settings({ DATABASE_URL: url(parameters), ENVIRONMENT: "prod", GUARD_TLS: tls }), {
      mark: true,
    });

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "guard-tls-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        ...subject,
      ],
      { cwd: folder, stdio: "ignore" },
    );
    // With a certificate of its own, and superuser for want of another role: only the way to it matters.
    server = await startPostgres({
      tls: { certificate: path.join(folder, "cert.pem"), key: path.join(folder, "key.pem") },
    });
  });
  afterAll(async () => {
    await server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("is accepted over TLS, its certificate verified against the given authority", async () => {
    expect(await guard("sslmode=require", "require")).toMatchObject({
      tls: expect.stringMatching(/^TLSv1\.[23]$/),
    });
    const trusted = `sslmode=verify-full&sslrootcert=${path.join(folder, "cert.pem")}`;
    expect(await guard(trusted, "verify-full")).toMatchObject({
      tls: expect.stringMatching(/^TLSv1\.[23]$/),
    });
  });

  test("is refused when its certificate is not trusted", async () => {
    await expect(guard("sslmode=verify-full", "verify-full")).rejects.toThrow(
      /DANGER:[^]*TLS to the server failed/,
    );
  });

  test("is refused in clear", async () => {
    await expect(guard("sslmode=disable", "require")).rejects.toThrow(
      /DANGER:[^]*sslmode=disable; needed here: require/,
    );
  });
});
