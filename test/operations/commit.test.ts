import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import {
  branchOf,
  commitCommands,
  forgeOf,
  settle,
  type Commit,
  type Forge,
} from "../../apps/operations/frame/commit";
import { editStackFile, parseChange, typedChange } from "../../apps/operations/frame/stackFile";
import { roleChanges } from "../../apps/operations/failover/report";
import { platformOf } from "../../apps/operations/platform";
import { readStacks } from "../../stacks/files";

const ROOT = path.join(__dirname, "../..");
const PROD = fs.readFileSync(path.join(ROOT, "Pulumi.prod.yaml"), "utf8");
const { regions } = platformOf(ROOT, "prod");
const said = {
  phase: "identified",
  service: "API Health",
  at: new Date().toISOString(),
  hours: 2,
} as const;
const TODAY = new Date().toISOString().slice(0, 10);
/** What the three verbs commit that change a configuration. */
const COMMITS: [string, Commit][] = [
  ["failover", roleChanges(regions, "northeurope", "forced")],
  ["rotate", [{ path: "vault.secretsIssued", how: "set" as const, value: TODAY }]],
  ["announce", [{ path: "statusPage.incidents", how: "first" as const, value: said }]],
].map(([verb, changes]) => [
  verb as string,
  {
    stack: "prod",
    changes: changes as Commit["changes"],
    branch: `${verb as string}-INC-1`,
    subject: `chore(prod): it's ${verb as string} (INC-1)`,
  },
]);

let folder: string;
beforeAll(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "commit-"))));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test("one incident there and back: a branch for each, the same one whenever a run of it was killed", () => {
  const at = (second: number, incident = "INC-1") =>
    branchOf("failover", {
      incident,
      decidedAt: new Date(Date.UTC(2026, 10, 30, 3, 12, second, 500)),
    });
  expect([at(1), at(1), at(2)]).toEqual([
    "failover-INC-1-20261130T031201",
    "failover-INC-1-20261130T031201",
    "failover-INC-1-20261130T031202",
  ]);
  expect(at(1, "failover-prod-20261130T0312")).toBe("failover-prod-20261130T0312-20261130T031201");
});

describe("the commands a verb prints", () => {
  test("typed in a clone, they push a branch in which the stack file says what runs, and nothing else has changed", () => {
    const git = (at: string, ...args: string[]) => execFileSync("git", args, { cwd: at, encoding: "utf8" });
    const origin = path.join(folder, "origin.git");
    const clone = path.join(folder, "clone");
    git(ROOT, "clone", "--quiet", "--bare", "--depth", "1", `file://${ROOT}`, origin);
    // A pull request's workflow checks out a commit and no branch.
    const branch = "main";
    git(origin, "update-ref", `refs/heads/${branch}`, git(origin, "rev-parse", "HEAD").trim());
    git(origin, "symbolic-ref", "HEAD", `refs/heads/${branch}`);
    git(folder, "clone", "--quiet", `file://${origin}`, clone);
    // What is tried is the working copy, not what was committed last.
    for (const part of ["apps", "infra", "stacks", "packages", "package.json", "Pulumi.prod.yaml"])
      fs.cpSync(path.join(ROOT, part), path.join(clone, part), { recursive: true });
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(clone, "node_modules"));
    const author = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "EMAIL"].map((name) => [name, "operator"]);
    for (const [verb, commit] of COMMITS) {
      const { status, stderr } = spawnSync("bash", ["-euc", commitCommands(commit).join("\n")], {
        cwd: clone,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: folder, ...Object.fromEntries(author) },
      });
      expect([verb, status, stderr]).toEqual([verb, 0, expect.any(String)]);
      expect(git(origin, "diff", "--name-only", branch, commit.branch)).toBe("Pulumi.prod.yaml\n");
      expect(git(origin, "log", "-1", "--format=%s", commit.branch).trim()).toBe(commit.subject);
      const pushed = git(origin, "show", `${commit.branch}:Pulumi.prod.yaml`);
      expect(pushed).toBe(editStackFile(PROD, commit.changes));
    }
    expect(git(clone, "show", "failover-INC-1:Pulumi.prod.yaml")).toContain(
      "    primary: { location: westeurope, role: lost }\n    secondary: { location: northeurope, role: serving }\n",
    );
  }, 180_000);
});

describe("a stack file that is edited", () => {
  test.each(COMMITS)(
    "%s: it is read as meant, every other line stays, and twice is once",
    (_verb, { changes }) => {
      const after = editStackFile(PROD, changes);
      expect(editStackFile(after, changes)).toBe(after);
      const [old, now] = [PROD, after].map((text) => text.split("\n"));
      const lost = old!.filter((line) => !now!.includes(line));
      expect(lost.length).toBeLessThanOrEqual(2);
      const root = fs.mkdtempSync(path.join(folder, "root-"));
      for (const file of fs.readdirSync(ROOT).filter((name) => /^Pulumi.*\.yaml$/.test(name)))
        fs.copyFileSync(path.join(ROOT, file), path.join(root, file));
      fs.writeFileSync(path.join(root, "Pulumi.prod.yaml"), after);
      const config = readStacks(root)["prod"] as unknown as Record<string, any>;
      for (const { path: key, how, value } of changes) {
        const found = key.split(".").reduce<any>((one, part) => one?.[part], config);
        expect(how === "first" ? found[0] : found).toEqual(value);
      }
    },
  );

  test("a second message stands before the first", () => {
    const [, , [, { changes }]] = COMMITS as [unknown, unknown, [string, Commit]];
    const later = { ...said, phase: "resolved" };
    const twice = editStackFile(editStackFile(PROD, changes), [
      { path: "statusPage.incidents", how: "first", value: later },
    ]);
    const { config } = yaml.load(twice) as any;
    expect(config["forma3d:statusPage"].incidents.map(({ phase }: any) => phase)).toEqual([
      "resolved",
      "identified",
    ]);
  });

  test.each([
    ["no key", "primary=lost", /"primary=lost" is no change; write key\.key=value/],
    ["no value", "regions.primary.role=", /is no change/],
    ["half a document", "statusPage.incidents^={", /is neither a word nor JSON/],
  ])("refused: %s", (_name, text, message) => {
    expect(() => parseChange(text)).toThrow(message);
  });

  test("what is printed is read back as it was", () => {
    for (const [, { changes }] of COMMITS) expect(changes.map(typedChange).map(parseChange)).toEqual(changes);
  });
});

describe("a pull request", () => {
  /** As much of GitHub's API as is asked, with one repository that remembers. */
  async function github(more: { refuses?: string } = {}) {
    const branches = new Map([["main", PROD]]);
    const pulls: { head: string; title: string; html_url: string }[] = [];
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://forge");
        const part = url.pathname.replace("/repos/forma/platform/", "");
        const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
        asked.push(`${request.method ?? ""} ${part}`);
        const end = (status: number, document: object) =>
          response.writeHead(status).end(JSON.stringify(document));
        if (request.headers.authorization !== "Bearer made-up")
          return end(401, { message: "Bad credentials" });
        if (more.refuses && `${request.method ?? ""} ${part}` === more.refuses)
          return end(403, { message: "Resource not accessible by personal access token" });
        switch (`${request.method ?? ""} ${part}`) {
          case "GET contents/Pulumi.prod.yaml": {
            const text = branches.get(url.searchParams.get("ref") ?? "") ?? "";
            return end(200, { sha: `${text.length}`, content: Buffer.from(text).toString("base64") });
          }
          case "GET git/ref/heads/main":
            return end(200, { object: { sha: "1" } });
          case "POST git/refs": {
            const name = String(body.ref).replace("refs/heads/", "");
            if (branches.has(name)) return end(422, { message: "Reference already exists" });
            branches.set(name, PROD);
            return end(201, {});
          }
          case "PUT contents/Pulumi.prod.yaml":
            if (body.sha !== `${branches.get(body.branch)?.length}`)
              return end(409, { message: "is at another" });
            branches.set(body.branch, Buffer.from(body.content, "base64").toString());
            return end(200, {});
          case "GET pulls":
            return end(
              200,
              pulls.filter(({ head }) => `forma:${head}` === url.searchParams.get("head")),
            );
          case "POST pulls":
            pulls.push({ ...body, html_url: `https://forge.example/pull/${pulls.length + 1}` });
            return end(201, pulls.at(-1)!);
          default:
            return end(404, { message: "Not Found" });
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const forge: Forge = { api: `http://127.0.0.1:${port}`, repository: "forma/platform", token: "made-up" };
    return { forge, branches, pulls, asked, close: () => new Promise((resolve) => server.close(resolve)) };
  }
  const [[, commit]] = COMMITS as [[string, Commit]];

  test("is opened with the file as it must be, once, whenever it was killed; what is merged needs none", async () => {
    const { forge, branches, pulls, close } = await github();
    const first = await settle(commit, forge);
    expect(first.lines).toEqual(["merge https://forge.example/pull/1, or the next update undoes it"]);
    expect(branches.get("failover-INC-1")).toBe(editStackFile(PROD, commit.changes));
    expect(await settle(commit, forge)).toEqual(first);
    expect(pulls).toHaveLength(1);
    branches.set("main", branches.get("failover-INC-1")!);
    expect((await settle(commit, forge)).lines).toEqual([
      "Pulumi.prod.yaml says so already: nothing is to be committed",
    ]);
    await close();
  });

  test.each([
    [
      "the token may not push",
      { refuses: "POST git/refs" },
      {},
      /POST git\/refs: 403 Resource not accessible/,
    ],
    ["the token is none", {}, { token: "other" }, /GET contents\/Pulumi\.prod\.yaml: 401 Bad credentials/],
    ["nobody answers", {}, { api: "http://127.0.0.1:1" }, /fetch failed/],
  ])(
    "could not be opened, since %s: the commands are told, and the verb has not failed",
    async (_name, more, other, why) => {
      const { forge, close } = await github(more);
      const { lines, commands } = await settle(commit, { ...forge, ...other });
      expect(lines[0]).toMatch(why);
      expect(lines[0]).toMatch(/; commit now, or the next update undoes it:$/);
      expect(lines.slice(1)).toEqual(commands.map((line) => `  ${line}`));
      await close();
    },
  );

  test("is opened only where both token and repository are given", () => {
    expect(forgeOf({ GITHUB_TOKEN: "x" })).toBeUndefined();
    expect(forgeOf({ GITHUB_REPOSITORY: "a/b" })).toBeUndefined();
    expect(forgeOf({ GH_TOKEN: "x", GITHUB_REPOSITORY: "a/b" })).toEqual({
      api: "https://api.github.com",
      repository: "a/b",
      token: "x",
    });
  });
});
