import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { From } from "dockerfile-ast";
import { validate, ValidationSeverity } from "dockerfile-utils";
import { platformOf } from "../../apps/operations/platform";
import { READINESS } from "../../infra/recovery/readiness";
import { RUN_AS } from "../../infra/kubernetes/security";
import { readStackFile, stackNames } from "../../stacks/files";
import { withPulledImages } from "../../stacks/images";
import { stackFileOf } from "../../stacks/stackFile";
import { argumentsOf, forgotten, readDockerfile } from "../support/dockerfile";
import { root, run } from "../support/recoveryCli";

const { text, of, copied } = readDockerfile("apps/operations/Dockerfile");
const allOf = (keyword: string) => of(keyword).map(argumentsOf);

describe("the image of the operations", () => {
  test("is built as the recovery runner's: two stages of one pinned base, nobody's user, nothing written, no secret", () => {
    const problems = validate(text, { instructionCasing: ValidationSeverity.ERROR });
    expect(problems.map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
    const recovery = fs.readFileSync(path.join(root, "apps/recovery/Dockerfile"), "utf8");
    const bases = (content: string) =>
      content.split("\n").filter((line) => /^(FROM|ARG NODE_|RUN npm ci) /.test(`${line} `));
    expect(bases(text)).toEqual(bases(recovery));
    expect((of("FROM") as From[]).map((stage) => stage.getBuildStage())).toEqual(["build", "runtime"]);
    expect(allOf("USER").at(-1)).toEqual([`${RUN_AS}:${RUN_AS}`]);
    expect(of("ENTRYPOINT").at(-1)?.getArgumentsContent()).toBe(
      `["/usr/bin/tini", "--", "node", "/app/operations.js"]`,
    );
    for (const step of of("RUN").map((one) => one.getArgumentsContent() ?? ""))
      if (step.includes("apt-get install"))
        expect(step).toMatch(/--no-install-recommends[\s\S]*rm -rf \/var\/lib\/apt\/lists/);
    expect([...allOf("ARG"), ...allOf("ENV")].flat().join("\n")).not.toMatch(/password|secret|token|key/i);
  });

  test("holds all the bundle is made of, and neither a stack file nor a contact", async () => {
    const context = fs
      .readFileSync(path.join(root, "apps/operations/Dockerfile.dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    expect(copied).toEqual(context);
    expect(await forgotten(["apps/operations/cli.ts"], copied)).toEqual([]);
    for (const kept of ["Pulumi.prod.yaml", "docs/incident/contacts.yaml", ".git/config"])
      expect([kept, copied.some((one) => kept === one || kept.startsWith(`${one}/`))]).toEqual([kept, false]);
  });

  test("its bundle runs what the cluster runs, with the stack file of the ConfigMap and nothing of the project", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "operations-"));
    try {
      execFileSync(process.execPath, ["apps/operations/build.mjs", folder], { cwd: root });
      const { config } = readStackFile(root, "prod");
      fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), stackFileOf(config));
      const args = READINESS.arguments("prod").filter((argument) => argument !== "--record");
      args.splice(args.indexOf("--journal") + 1, 1, path.join(folder, "journal"));
      // Nobody answers: every check says so, and none is taken for well.
      const nobody = { HTTPS_PROXY: "http://127.0.0.1:1", AZURE_RESOURCE_MANAGER_URL: "https://127.0.0.1:1" };
      const ran = await run([path.join(folder, "operations.js"), ...args], {
        STACK_FOLDER: folder,
        HOME: folder,
        PUBLIC_HOSTS: `${config.edge.apiHostName}=127.0.0.1:1,${config.edge.dashboardHostName}=127.0.0.1:1`,
        DATABASE_URL: "postgresql://monitoring@127.0.0.1:1/forma3d",
        ...nobody,
        AZURE_TENANT_ID: config.azure.tenantId,
        AZURE_CLIENT_ID: config.azure.tenantId,
        AZURE_FEDERATED_TOKEN_FILE: path.join(folder, "no-token"),
        AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential",
      });
      expect(ran.stderr).not.toMatch(/Cannot find module|is not a function|\n\s+at /);
      const { stack, checks } = JSON.parse(ran.stdout) as {
        stack: string;
        checks: { id: string; status: string }[];
      };
      expect([stack, ran.code]).toEqual(["prod", 1]);
      expect(checks.map(({ id }) => id)).not.toContain("contacts");
      expect(checks.length).toBeGreaterThan(15);
      // A certificate is asked of the public name itself, which may be somebody's.
      expect(checks.filter(({ id, status }) => id !== "certificates" && status === "PASS")).toEqual([]);
      const unknown = await run(
        [path.join(folder, "operations.js"), "preflight", "prod", "--leave-out", "moon"],
        {
          STACK_FOLDER: folder,
          HOME: folder,
        },
      );
      expect([unknown.code, unknown.stderr]).toEqual([
        2,
        expect.stringMatching(/--leave-out moon: there is no such check; allowed: contacts, replication/),
      ]);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each(stackNames(root))("the stack file it gets of %s says what the project's own says", (stack) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stack-file-"));
    try {
      // As the program has it, which pulls from the environment's own registry.
      const written = stackFileOf(withPulledImages(readStackFile(root, stack).config));
      fs.writeFileSync(path.join(folder, `Pulumi.${stack}.yaml`), written);
      expect(platformOf(folder, stack)).toEqual(platformOf(root, stack));
      expect(written).not.toMatch(/secretValues|secure:|encryptedkey/);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});
