import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import type { Copy, From, Healthcheck, Instruction } from "dockerfile-ast";
import { validate, ValidationSeverity } from "dockerfile-utils";
import yaml from "js-yaml";
import { RUN_AS } from "../../infra/kubernetes/security";
import { DEFAULT_PORT } from "../../apps/recovery/exporter/server";
import { exporterPort, healthcheck } from "../../apps/recovery/healthcheck";
import { startAzurite } from "../../packages/local-servers/azurite";
import { argumentsOf, forgotten, readDockerfile } from "../support/dockerfile";
import { recovery, root, run } from "../support/recoveryCli";
import { stackNames } from "../../stacks/files";

const { text, parsed, of, copied } = readDockerfile("apps/recovery/Dockerfile");
const ignored = fs
  .readFileSync(path.join(root, "apps/recovery/Dockerfile.dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"));

/** Whether the build context holds a path, by the rules of the ignore file this repository needs. */
function inContext(file: string): boolean {
  let included = true;
  for (const rule of ignored) {
    const pattern = rule.replace(/^!/, "");
    const expression = new RegExp(`^${pattern.replace(/[.+]/g, "\\$&").replaceAll("*", "[^/]*")}(/|$)`);
    if (expression.test(file)) included = rule.startsWith("!");
  }
  return included;
}

describe("the image's Dockerfile", () => {
  test("is free of errors and warnings", () => {
    const problems = validate(text, { instructionCasing: ValidationSeverity.ERROR });
    expect(problems.map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
  });

  test("has two stages from one base, pinned by tag and, where the pipeline knows it, by digest", () => {
    const stages = of("FROM") as From[];
    expect(stages.map((stage) => stage.getBuildStage())).toEqual(["build", "runtime"]);
    expect(new Set(stages.map((stage) => stage.getImage()))).toEqual(
      new Set(["node:${NODE_TAG}${NODE_DIGEST}"]),
    );
    const defaults = Object.fromEntries(
      parsed.getInitialARGs().map((arg) => [arg.getProperty()?.getName(), arg.getProperty()?.getValue()]),
    );
    expect(defaults.NODE_TAG).toMatch(/^\d+-bookworm-slim$/);
    expect(defaults.NODE_DIGEST).toBe("");
    const { engines } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
      engines: { node: string };
    };
    const oldest = Number(/(\d+)/.exec(engines.node)?.[1]);
    expect(Number.parseInt(defaults.NODE_TAG ?? "", 10)).toBeGreaterThanOrEqual(oldest);
  });

  test("copies only what exists and what the build context holds, from stages that exist", () => {
    const stages = (of("FROM") as From[]).map((stage) => stage.getBuildStage());
    const copies = of("COPY") as Copy[];
    expect(copies.length).toBeGreaterThan(0);
    for (const copy of copies) {
      const sources = argumentsOf(copy).slice(0, -1);
      const from = copy.getFlags().find((flag) => flag.getName() === "from");
      if (from) {
        expect(stages).toContain(from.getValue());
        // What the build stage wrote there.
        for (const source of sources)
          expect(text).toContain(`apps/recovery/build.mjs ${source.replace(/\/$/, "")}\n`);
        continue;
      }
      for (const source of sources) {
        expect({ source, exists: fs.existsSync(path.join(root, source)) }).toEqual({ source, exists: true });
        expect({ source, inContext: inContext(source) }).toEqual({ source, inContext: true });
      }
    }
    expect(of("ADD")).toEqual([]);
    for (const secret of ["Pulumi.prod.yaml", ".git", "stacks", ".env"])
      expect(inContext(secret)).toBe(false);
  });

  test("copies every file the bundles are made of", async () => {
    const bundles = ["cli", "incident", "healthcheck"].map((name) => `apps/recovery/${name}.ts`);
    expect(await forgotten(bundles, copied)).toEqual([]);
  });

  test("runs as the user the cluster runs it as, who has a name", () => {
    expect(argumentsOf(of("USER").at(-1) as Instruction)).toEqual([`${RUN_AS}:${RUN_AS}`]);
    expect(text).toContain(`useradd --uid ${RUN_AS} `);
    const instructions = parsed.getInstructions();
    const last = instructions.findLastIndex((instruction) => instruction.getKeyword() === "USER");
    const later = instructions.slice(last).map((instruction) => instruction.getKeyword());
    expect(later).toContain("ENTRYPOINT");
    expect(later).not.toContain("COPY");
  });

  test("writes only to the scratch volume, so that its root can be read-only", () => {
    const environment = argumentsOf(of("ENV").at(-1) as Instruction);
    expect(environment).toEqual(expect.arrayContaining(["SCRATCH_DIR=/scratch", "TMPDIR=/scratch"]));
    expect(of("VOLUME").map(argumentsOf).flat().join(" ")).toContain("/scratch");
  });

  test("brings client and server of the newest major version a stack file names: they serve the older too", () => {
    const [major] = of("ARG")
      .map((arg) => argumentsOf(arg)[0])
      .filter((argument) => argument?.startsWith("POSTGRES_MAJOR="));
    const versions = stackNames(root).map((stack) => {
      const file = yaml.load(fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8")) as {
        config: Record<string, { version?: string }>;
      };
      return Number(file.config["forma3d:database"]?.version);
    });
    expect(major).toBe(`POSTGRES_MAJOR=${Math.max(...versions)}`);
    for (const wanted of ["postgresql-${POSTGRES_MAJOR}", "postgresql-client-${POSTGRES_MAJOR}", "zstd"]) {
      expect(text).toContain(wanted);
    }
  });

  test("installs lean and cleans up in the same layer", () => {
    for (const step of of("RUN").map((instruction) => instruction.getArgumentsContent() ?? "")) {
      const installs = step.match(/apt-get install/g)?.length ?? 0;
      expect(step.match(/--no-install-recommends/g)?.length ?? 0).toBe(installs);
      if (installs > 0) expect(step).toContain("rm -rf /var/lib/apt/lists/*");
    }
  });

  test("carries labels, a health check and an entry point in exec form, and no secret", () => {
    const labels = of("LABEL").flatMap(argumentsOf).join("\n");
    for (const label of ["title", "description", "revision"]) {
      expect(labels).toContain(`org.opencontainers.image.${label}=`);
    }
    const health = of("HEALTHCHECK").at(-1) as Healthcheck;
    expect(health.getSubcommand()?.getValue()).toBe("CMD");
    // As `npm run recovery` starts it, whose memory and speed are measured.
    const { recovery: script = "" } = (
      JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
        scripts: Record<string, string>;
      }
    ).scripts;
    const flags = script.split(" ").filter((word) => word.startsWith("--"));
    expect(JSON.parse(of("ENTRYPOINT").at(-1)?.getArgumentsContent() ?? "")).toEqual([
      "/usr/bin/tini",
      "--",
      "node",
      ...flags,
      "/app/recovery.js",
    ]);
    expect(flags).toContain("--single-threaded-gc");
    expect(argumentsOf(of("EXPOSE")[0] as Instruction)).toEqual([`${DEFAULT_PORT}`]);
    const values = [...of("ARG"), ...of("ENV")].flatMap(argumentsOf).join("\n");
    expect(values).not.toMatch(/password|secret|token|key/i);
  });
});

describe("the bundles the image holds", () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "image-"));
    execFileSync(process.execPath, ["apps/recovery/build.mjs", folder], { cwd: root });
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  test("are the files that entry point and health check name", () => {
    const named = [...text.matchAll(/\/app\/([a-z]+\.js)/g)].map(([, file]) => file as string);
    expect(named.length).toBeGreaterThanOrEqual(3);
    for (const file of named) expect(fs.existsSync(path.join(folder, file))).toBe(true);
    // One character beyond it, and V8 keeps a program with two bytes for each.
    for (const file of new Set(named))
      // eslint-disable-next-line no-control-regex
      expect(/[^\x00-\x7f]/.exec(fs.readFileSync(path.join(folder, file), "utf8"))?.[0]).toBeUndefined();
  });

  test("what `npm run recovery` starts here is such a file too, and needs no package beside it", async () => {
    expect((await recovery(["--help"], {})).code).toBe(0);
    const started = path.join(folder, "started.js");
    fs.copyFileSync(path.join(root, ".build/apps/recovery/cli.js"), started);
    const help = await run(["-e", `require(${JSON.stringify(started)}).main()`, "--", "x", "--help"], {});
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/^Usage: recovery /)]);
  });

  test("work without node_modules: every verb, the blob client, the identity library", async () => {
    const runner = path.join(folder, "recovery.js");
    const help = await run([runner, "--help"], {});
    expect(help.code).toBe(0);
    for (const verb of [
      "backup",
      "list",
      "status",
      "verify",
      "restore",
      "prune",
      "drill",
      "guard",
      "metrics",
      "evidence",
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${verb} `, "m"));
    }
    const azurite = await startAzurite();
    try {
      await BlobServiceClient.fromConnectionString(azurite.connectionString)
        .getContainerClient("daily")
        .create();
      const list = await run([runner, "list", "--json"], {
        BACKUP_STORE_CONNECTION_STRING: azurite.connectionString,
        BACKUP_CONTAINER_DAILY: "daily",
        ENVIRONMENT: "prod",
      });
      expect(list).toMatchObject({ code: 0, stdout: "[]\n" });
    } finally {
      await azurite.stop();
    }
    const identity = await run([runner, "list"], {
      BACKUP_STORE_URL: "https://127.0.0.1:1",
      BACKUP_CONTAINER_DAILY: "daily",
      ENVIRONMENT: "prod",
      // What the cluster injects; the token's file is missing, so the library must say so.
      AZURE_CLIENT_ID: "00000000-0000-0000-0000-000000000000",
      AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000000",
      AZURE_FEDERATED_TOKEN_FILE: path.join(folder, "no-token"),
      AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential",
    });
    expect(identity.code).toBe(1);
    expect(identity.stderr).toMatch(/error: container "daily" at 127\.0\.0\.1:1: /);
    expect(identity.stderr).not.toMatch(/Cannot find module|is not a function|\n\s+at /);
    expect(identity.seconds).toBeLessThan(30);
  });
});

describe("the health check", () => {
  test("asks the port the exporter was told to listen on", () => {
    expect(exporterPort(["node", "recovery.js", "metrics"])).toBe(DEFAULT_PORT);
    expect(exporterPort(["node", "recovery.js", "metrics", "--port", "9000"])).toBe(9000);
    expect(exporterPort(["node", "recovery.js", "metrics", "--port=9001"])).toBe(9001);
    expect(exporterPort(["node", "recovery.js", "backup", "--all"])).toBeUndefined();
  });

  test("is healthy while the exporter is, and for a verb that does its work", async () => {
    let status = 200;
    const server = http.createServer((_, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const metrics = ["metrics", "--port", `${port}`];
    expect(await healthcheck(metrics)).toBe(0);
    status = 500;
    expect(await healthcheck(metrics)).toBe(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await healthcheck(metrics)).toBe(1);
    expect(await healthcheck(["backup"])).toBe(0);
  });
});
