import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stackNames } from "../../stacks/files";

/*
 * What the workflows' scripts do, with stand-ins for the programs that ask GitHub, Azure or a cluster.
 */
const ROOT = path.join(__dirname, "../..");

describe("plan-all.sh", () => {
  test("shows every stack in the log, also after one that fails, and fails then", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "plan-all-"));
    try {
      fs.writeFileSync(
        path.join(folder, "npm"),
        `#!/usr/bin/env bash
case "$3 $5" in
"plan prod") echo "prod is refused"; exit 1 ;;
plan*) echo "plan of $5"; echo '{"resources":[]}' >"$7" ;;
cost*) echo "cost of $5" ;;
esac
`,
        { mode: 0o755 },
      );
      const out = path.join(folder, "out");
      const { status, stdout, stderr } = spawnSync("bash", [".github/scripts/plan-all.sh", "HEAD", out], {
        cwd: ROOT,
        encoding: "utf8",
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
      });
      expect(stdout).toContain("prod is refused");
      for (const stack of stackNames(ROOT).filter((name) => name !== "prod")) {
        expect(stdout).toContain(`plan of ${stack}`);
        expect(stdout).toContain(`cost of ${stack}`);
      }
      expect(fs.readFileSync(path.join(out, "comment.md"), "utf8")).toBe(stdout);
      expect([status, stderr]).toEqual([1, "error: the plan of prod failed\n"]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe("drift-issue.sh", () => {
  /** What the script does when these issues are open. */
  function run(outcome: string, open: { number: number; title: string }[]): string[] {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "drift-"));
    try {
      fs.writeFileSync(path.join(folder, "drift.txt"), "a lock is gone\n");
      const number = open.find(({ title }) => title === "Drift in prod")?.number;
      fs.writeFileSync(
        path.join(folder, "gh"),
        `#!/usr/bin/env bash
if [ "$2" = list ]; then echo "${number ?? ""}"; else echo "$1 $2 $3" >>"${folder}/done"; fi
`,
        { mode: 0o755 },
      );
      const args = [
        ".github/scripts/drift-issue.sh",
        "prod",
        outcome,
        "https://run",
        path.join(folder, "drift.txt"),
      ];
      const { status, stderr } = spawnSync("bash", args, {
        cwd: ROOT,
        encoding: "utf8",
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
      });
      expect([status, stderr]).toEqual([0, ""]);
      const file = path.join(folder, "done");
      return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim().split("\n") : [];
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }

  test("one issue is opened, told the latest, and closed when the drift has gone", () => {
    const known = [{ number: 7, title: "Drift in prod" }];
    expect(run("failure", [])).toEqual(["label create drift", "issue create --title"]);
    expect(run("failure", known)).toEqual(["issue edit 7"]);
    expect(run("success", known)).toEqual(["issue close 7"]);
    expect(run("success", [])).toEqual([]);
    expect(run("cancelled", known)).toEqual([]);
  });
});

describe("verify-images.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "images-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const image = (letter: string, name = "recovery"): string =>
    `ghcr.io/forma3d/${name}@sha256:${letter.repeat(64)}`;
  const git = (...args: string[]) => {
    const result = spawnSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
      cwd: folder,
      encoding: "utf8",
    });
    expect([args, result.status]).toEqual([args, 0]);
  };
  const name = (letter: string, other = "a"): void =>
    fs.writeFileSync(
      path.join(folder, "Pulumi.prod.yaml"),
      `config:\n  forma3d:recovery:\n    image: ${image(letter)} # reason\n  forma3d:readiness:\n    image: ${image(other, "operations")}\n`,
    );
  const look = () =>
    spawnSync("bash", [".github/scripts/verify-images.sh", "HEAD"], {
      cwd: folder,
      encoding: "utf8",
      env: {
        PATH: `${folder}/bin:${process.env.PATH ?? ""}`,
        NODE_PATH: path.join(ROOT, "node_modules"),
        GITHUB_REPOSITORY: "forma3d/platform",
      },
    });
  /** Runs it after a change of the images, with a `gh` that knows the signature of one each. */
  const run = (letter: string, other = "a") => {
    name(letter, other);
    return look();
  };

  beforeAll(() => {
    fs.mkdirSync(path.join(folder, ".github/scripts"), { recursive: true });
    fs.copyFileSync(
      path.join(ROOT, ".github/scripts/verify-images.sh"),
      path.join(folder, ".github/scripts/verify-images.sh"),
    );
    fs.mkdirSync(path.join(folder, "bin"));
    fs.writeFileSync(
      path.join(folder, "bin/gh"),
      `#!/usr/bin/env bash\necho "$*" >>"${folder}/asked"\n[ "$3" = "oci://${image("b")}" ] || [ "$3" = "oci://${image("b", "operations")}" ]\n`,
      { mode: 0o755 },
    );
    git("init", "--quiet");
    name("a");
    git("add", "--all");
    git("commit", "--quiet", "--message", "base");
  });

  test("asks nothing of an image that was there before", () => {
    expect(run("a")).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(fs.existsSync(path.join(folder, "asked"))).toBe(false);
  });

  test("lets a new one in that the repository's own workflow signed, and no other", () => {
    expect(run("b")).toMatchObject({ status: 0, stdout: expect.stringContaining("is signed by") as string });
    expect(fs.readFileSync(path.join(folder, "asked"), "utf8")).toContain(
      "--repo forma3d/platform --signer-workflow forma3d/platform/.github/workflows/recovery-image.yml --source-ref refs/heads/main --deny-self-hosted-runners\n",
    );
    expect(run("b", "b")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("/operations@") as string,
    });
    expect(fs.readFileSync(path.join(folder, "asked"), "utf8")).toContain(
      "forma3d/platform/.github/workflows/operations-image.yml",
    );
    expect(run("a", "c")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^error: Pulumi.prod.yaml: readiness.image: found ghcr\S+; allowed: an image that /,
      ) as string,
    });
    const refused = run("c");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(
      /^error: Pulumi.prod.yaml: recovery.image: found ghcr\S+; allowed: an image that /,
    );
  });

  test.each([
    ["with a tag", `forma3d:recovery: { image: "${image("c").replace("@", ":new@")}" }`],
    ["called otherwise", `forma3d:recovery:\n    image: '${image("c", "elsewhere")}'`],
    [
      "in a deeper folder",
      `forma3d:readiness: { image: ${image("c").replace("forma3d/", "forma3d/mirror/")} }`,
    ],
    ["as text", `forma3d:recovery: '${JSON.stringify({ image: image("c") })}'`],
    ["of the runners", `forma3d:controlPlane: { runners: { jobs: { image: ${image("c", "runner")} } } }`],
  ])("finds an image however its key is written: %s", (_, line) => {
    fs.writeFileSync(path.join(folder, "Pulumi.prod.yaml"), `config:\n  ${line}\n`);
    expect(look()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^error: Pulumi\.prod\.yaml: \S+: found \S+; allowed: an image that /,
      ) as string,
    });
  });

  test("finds the images that the stack files of this project name", () => {
    for (const stack of stackNames(ROOT))
      fs.copyFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), path.join(folder, `Pulumi.${stack}.yaml`));
    const found = look().stderr.split("\n").filter(Boolean).sort();
    expect(found).toEqual(
      stackNames(ROOT)
        .flatMap((stack) =>
          ["readiness", "recovery"].map((key) => `error: Pulumi.${stack}.yaml: ${key}.image`),
        )
        .map((line) => expect.stringContaining(line) as string),
    );
  });
});

describe("with-session.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "session-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const program = (name: string, body: string): void =>
    fs.writeFileSync(path.join(folder, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });

  const withSession = (command: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    spawnSync("bash", [".github/scripts/with-session.sh", ...command], {
      cwd: ROOT,
      encoding: "utf8",
      env: {
        PATH: `${folder}:${process.env.PATH ?? ""}`,
        AZURE_CLIENT_ID: "client",
        AZURE_TENANT_ID: "tenant",
        ACTIONS_ID_TOKEN_REQUEST_URL: "https://github.example/token?x=1",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: "asks",
        ...more,
      },
    });

  test("renews the session while the command runs, hands out its exit code, and leaves nothing", () => {
    program("curl", `while [ "$1" != --output ]; do shift; done; echo '{"value":"token"}' >"$2"`);
    program("az", `echo "$*" >>"${folder}/logins"`);
    const wait = `until [ "$(wc -l <"${folder}/logins")" -ge 3 ]; do sleep 0.1; done
cat "$AZURE_FEDERATED_TOKEN_FILE"; dirname "$AZURE_FEDERATED_TOKEN_FILE" >"${folder}/where"; exit 7`;
    const { status, stdout } = withSession(["bash", "-c", wait], { RENEW_SECONDS: "0.2" });
    expect([status, stdout]).toEqual([7, "token\n"]);
    // The token itself is in a file: what stands in arguments is everybody's to read.
    expect(fs.readFileSync(path.join(folder, "logins"), "utf8")).toMatch(/--federated-token @\S+\/token /);
    expect(fs.existsSync(fs.readFileSync(path.join(folder, "where"), "utf8").trim())).toBe(false);
  });

  test("starts nothing without a session", () => {
    program("curl", "exit 22");
    const { status, stdout } = withSession(["echo", "started"]);
    expect([status, stdout]).toEqual([22, ""]);
  });
});

describe("in-order.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "order-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const git = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(
      "git",
      ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args],
      { cwd: folder, encoding: "utf8" },
    );
    expect([args, status, stderr]).toEqual([args, 0, expect.anything()]);
    return stdout.trim();
  };
  const commit = (): string => {
    git("commit", "--quiet", "--allow-empty", "--message", "change");
    return git("rev-parse", "HEAD");
  };
  let commits: string[] = [];
  beforeAll(() => {
    git("init", "--quiet");
    commits = [commit(), commit(), commit()];
  });

  /** Runs it at a commit, with an engine that remembers these updates, the newest first. */
  const run = (at: number, updates: { kind: string; head?: string | undefined }[], cwd = folder) => {
    git("checkout", "--quiet", commits[at] ?? "");
    const history = updates.map(({ kind, head }) => ({
      kind,
      environment: head ? { "git.head": head } : {},
    }));
    const bin = path.join(folder, ".git/bin");
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(path.join(bin, "pulumi"), `#!/usr/bin/env bash\necho '${JSON.stringify(history)}'\n`, {
      mode: 0o755,
    });
    return spawnSync("bash", [path.join(ROOT, ".github/scripts/in-order.sh"), "prod"], {
      cwd,
      encoding: "utf8",
      env: { PATH: `${bin}:${process.env.PATH ?? ""}` },
    });
  };

  test("lets the first update happen, the same again, and what is newer", () => {
    expect(run(1, [])).toMatchObject({ status: 0, stdout: "no update of prod is recorded yet\n" });
    for (const last of [0, 1])
      expect(run(1, [{ kind: "update", head: commits[last] }])).toMatchObject({
        status: 0,
        stdout: `prod was last updated to ${commits[last]}\n`,
      });
  });

  test("refuses what is older than the last update, whatever was done since that is none", () => {
    const updates = [
      { kind: "refresh", head: commits[0] },
      { kind: "update" },
      { kind: "update", head: commits[2] },
      { kind: "update", head: commits[0] },
    ];
    expect(run(1, updates)).toMatchObject({
      status: 1,
      stderr: `error: prod was updated to ${commits[2]} already, which is newer than ${commits[1]}; to go back, revert what is wrong in a commit\n`,
    });
    expect(run(2, updates).status).toBe(0);
  });

  test("says where an update was to what this branch has not", () => {
    expect(run(2, [{ kind: "update", head: "a".repeat(40) }])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^::warning::.*which this branch has not/) as string,
    });
  });

  test("refuses a checkout that cannot tell", () => {
    const shallow = path.join(folder, ".git/shallow-copy");
    git("clone", "--quiet", "--depth", "1", `file://${folder}`, shallow);
    expect(run(2, [], shallow)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("fetch-depth 0") as string,
    });
  });
});

describe("preflight.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "preflight-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Runs it with checks that end so; any other program there would be fails. */
  const run = (code: number) => {
    const program = (name: string, body: string): void =>
      fs.writeFileSync(path.join(folder, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });
    program("npm", `echo "$* KUBECONFIG=\${KUBECONFIG-none}"; exit ${code}`);
    for (const name of ["az", "kubelogin", "kubectl"]) program(name, "exit 1");
    return spawnSync("bash", [".github/scripts/preflight.sh", "prod"], {
      cwd: ROOT,
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH ?? ""}`, KUBECONFIG: "/nowhere" },
    });
  };

  test("has the checks say what is so, of a region that is lost too: Azure is asked where the clusters are", () => {
    for (const code of [0, 1, 2])
      expect(run(code)).toMatchObject({
        status: code,
        stdout: "run -s operations -- preflight prod KUBECONFIG=none\n",
      });
    expect(run(3)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("::warning::some checks of prod could not be run from here") as string,
    });
  });
});

describe("clusters-answer.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "answer-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Runs a script with programs that answer as Azure and the cluster would. */
  function run(
    answers: { clusters: string[]; answering: boolean },
    stack = "prod",
    script = "clusters-answer.sh",
  ) {
    const program = (name: string, body: string): void =>
      fs.writeFileSync(path.join(folder, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });
    const regions = {
      primary: { resourceGroup: "rg-one", cluster: "aks-one" },
      secondary: { resourceGroup: "rg-two", cluster: "aks-two" },
    };
    program("pulumi", `printf '%s' '${JSON.stringify(regions)}'`);
    program(
      "az",
      `[ "$2" = list ] && echo "$*" | grep -oE '${answers.clusters.join("|") || "none"}'; exit 0`,
    );
    program("kubelogin", "exit 0");
    program("kubectl", answers.answering ? "echo ok" : "exit 1");
    program("npm", `printf '%s\\n' "$*" "$(basename "$KUBECONFIG")"; exit 7`);
    return spawnSync("bash", [`.github/scripts/${script}`, stack], {
      cwd: ROOT,
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH ?? ""}`, RUNNER_TEMP: folder },
    });
  }

  test("asks the cluster of every region that is not lost, a standby's included", () => {
    const { status, stdout } = run({ clusters: ["aks-one", "aks-two"], answering: true });
    expect([status, stdout]).toEqual([0, "aks-one answers\naks-two answers\n"]);
    const one = run({ clusters: ["aks-one", "aks-two"], answering: true }, "staging");
    expect([one.status, one.stdout]).toEqual([0, "aks-one answers\n"]);
  });

  test("stops an update from where a cluster does not answer, and says what to look at", () => {
    const { status, stderr } = run({ clusters: ["aks-one"], answering: false });
    expect(status).toBe(1);
    expect(stderr).toContain(
      "aks-one does not answer from here; is this address in cluster.authorizedIpRanges?",
    );
  });

  test("the gate's question goes where the lease's accounts answer, through a pod of the region that serves", () => {
    const asked = run({ clusters: ["aks-one", "aks-two"], answering: true }, "prod", "serving-gate.sh");
    expect([asked.status, asked.stdout.split("\n").slice(2, 4)]).toEqual([
      7,
      [
        "run -s operations -- reach prod --through westeurope -- env -u KUBECONFIG npm run -s gate -- serving prod",
        "clusters-answer.kubeconfig",
      ],
    ]);
    const silent = run({ clusters: ["aks-one"], answering: false }, "prod", "serving-gate.sh");
    expect([silent.status, silent.stdout]).toEqual([1, ""]);
  });

  test("lets a region without a cluster be made", () => {
    const { status, stdout } = run({ clusters: [], answering: false });
    expect([status, stdout]).toEqual([0, "aks-one does not exist yet\naks-two does not exist yet\n"]);
  });
});
