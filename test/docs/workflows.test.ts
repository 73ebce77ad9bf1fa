import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import vm from "node:vm";
import yaml from "js-yaml";

import { platformOf } from "../../apps/operations/platform";
import { cut, notes } from "../../apps/tools/release/changelog";
import { MINIMUM_VERSION } from "../../apps/rehearsal/cli";
import { readPlan } from "../../apps/tools/plan/planOutput";
import { buildPack } from "../../policies/pack/build";
import { readStacks, stackNames } from "../../stacks/files";

const ROOT = path.join(__dirname, "../..");
const FOLDER = path.join(ROOT, ".github/workflows");

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
  run?: string;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  needs?: string | string[];
  environment?: string;
  "runs-on"?: string;
  permissions?: Record<string, string>;
  env?: Record<string, string>;
  strategy?: { "fail-fast"?: boolean; matrix?: { stack?: string } };
  steps?: Step[];
}

const read = (file: string): any => yaml.load(fs.readFileSync(file, "utf8"));
const ACTION = read(path.join(ROOT, ".github/actions/cloud-tools/action.yml")) as { runs: { steps: Step[] } };
const JOBS = fs.readdirSync(FOLDER).flatMap((file) =>
  Object.entries((read(path.join(FOLDER, file)) as { jobs: Record<string, Job> }).jobs).map(([name, job]) => {
    // What a local action does belongs to the job that calls it.
    const steps = (job.steps ?? []).flatMap((step) =>
      step.uses === "./.github/actions/cloud-tools" ? [step, ...ACTION.runs.steps] : [step],
    );
    return { name: `${file} ${name}`, job, steps, script: steps.map(({ run }) => run ?? "").join("\n") };
  }),
);

test.each(JOBS.map((job) => [job.name, job] as const))(
  "%s runs no action under a name that can be moved",
  (_, { steps }) => {
    const movable = steps.flatMap(({ uses }) =>
      uses === undefined || uses.startsWith("./") || /@[0-9a-f]{40}$/.test(uses) ? [] : [uses],
    );
    expect(movable).toEqual([]);
  },
);

/** Jobs that start the engine on a real stack. */
const cloud = JOBS.filter(({ script }) => /gate -- run (preview|update) --stack/.test(script));

test("whatever asks a cluster runs where the cluster answers, can sign in, and first sees that it does", () => {
  expect(cloud.map(({ name }) => name)).toEqual([
    "deploy-stack.yml preview",
    "deploy-stack.yml up",
    "drift.yml refresh",
    "pull-request.yml preview",
  ]);
  for (const { name, job, script } of cloud) {
    const runner = name.startsWith("pull-request") ? "PREVIEW_RUNNER" : "DEPLOY_RUNNER";
    const stack = name.startsWith("deploy") ? "inputs.stack" : "matrix.stack";
    expect([name, job["runs-on"]]).toEqual([name, `\${{ format('{0}-{1}', vars.${runner}, ${stack}) }}`]);
    if (!job.needs?.includes("preview")) expect(job.if).toContain(`vars.${runner} != ''`);
    expect(script).toContain("--kubelogin-version");
    const [answers, engine] = [script.indexOf("clusters-answer.sh"), script.indexOf("gate -- run")];
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(engine);
  }
});

/*
 * Azure answers an account whose public access is off by private endpoints alone, and no runner has one
 * (https://learn.microsoft.com/azure/storage/common/storage-network-security): asked from there, the lease was never heard, and no
 * update could run.
 */
test("what lies behind private endpoints only is asked through the operator's pod", () => {
  const [up] = JOBS.filter(({ name }) => name === "deploy-stack.yml up");
  expect(up?.script).toMatch(/with-session\.sh bash \.github\/scripts\/serving-gate\.sh/);
  for (const { name, script } of JOBS)
    expect([name, /gate -- serving|operations -- (?!preflight)/.test(script)]).toEqual([name, false]);
  const plan = readPlan(path.join(ROOT, "test/expected/prod.json")).resources;
  const accounts = platformOf(ROOT, "prod").servingPlaces.map(
    ({ url }) => new URL(url).hostname.split(".")[0],
  );
  expect(
    accounts.map(
      (name) => plan.find(({ inputs }) => inputs["accountName"] === name)?.inputs["publicNetworkAccess"],
    ),
  ).toEqual(["Disabled", "Disabled", "Disabled"]);
});

test("the engine is started by a gate that wants proof, and by nothing else", () => {
  for (const { name, script } of JOBS)
    expect([name, /pulumi (preview|up|refresh|destroy)\b/.test(script)]).toEqual([name, false]);
});

test("a session lasts as long as what needs it", () => {
  for (const { name, steps } of cloud) {
    const asking = steps.filter(({ run }) => /gate -- run|clusters-answer|stack export/.test(run ?? ""));
    expect(asking.length).toBeGreaterThan(0);
    for (const { run } of asking)
      expect([name, run]).toEqual([name, expect.stringContaining("with-session.sh")]);
  }
});

test("an update is to what was approved: by the preview before it, in an environment of its own", () => {
  const [preview, up] = ["preview", "up"].map((job) =>
    JOBS.find(({ name }) => name === `deploy-stack.yml ${job}`),
  );
  expect(preview?.job.environment).toBe("${{ inputs.stack }}-read");
  expect(up?.job).toMatchObject({ needs: "preview", environment: "${{ inputs.stack }}" });
  expect(preview?.script).toContain("--approval approved.json");
  expect(up?.script).toMatch(/gate -- run update --stack \S+ --approval approved\.json/);
  const named = (steps: Step[] | undefined, action: string) =>
    steps?.find(({ uses }) => uses?.startsWith(`actions/${action}@`))?.with?.name;
  expect(named(preview?.steps, "upload-artifact")).toBe("approved-${{ inputs.stack }}");
  expect(named(up?.steps, "download-artifact")).toBe("approved-${{ inputs.stack }}");
});

describe("while production waits for its approval", () => {
  const workflow = (name: string) => read(path.join(FOLDER, name)) as Record<string, unknown>;

  test("later commits reach the other stacks: nothing is held that is not one stack's own", () => {
    expect(workflow("deploy.yml")).not.toHaveProperty("concurrency");
    for (const { name, job } of JOBS.filter(({ name }) => name.startsWith("deploy")))
      expect([name, job]).not.toEqual([name, expect.objectContaining({ concurrency: expect.anything() })]);
    expect(workflow("deploy-stack.yml")).toMatchObject({
      concurrency: { group: "deploy-${{ inputs.stack }}", "cancel-in-progress": false },
    });
  });

  /** Whether production is begun when the other stacks' jobs ended so. */
  const begun = (other: string, cancelled = false): unknown =>
    vm.runInNewContext(
      JOBS.find(({ name }) => name === "deploy.yml prod")?.job.if?.replace(/^\$\{\{(.*)\}\}$/, "$1") ?? "",
      {
        needs: { stacks: { result: "success" }, other: { result: other } },
        cancelled: () => cancelled,
        failure: () => other === "failure",
        contains: (list: string[], item: string) => list.includes(item),
        fromJson: JSON.parse,
      },
    );

  test("production takes only what every other stack has taken", () => {
    expect(["success", "skipped", "failure", "cancelled"].map((result) => begun(result))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(begun("success", true)).toBe(false);
  });

  test("nothing is updated to what is older than it is, nor previewed", () => {
    for (const { name, script, steps } of cloud.filter(({ name }) => name.startsWith("deploy"))) {
      const [order, engine] = [script.indexOf("in-order.sh"), script.indexOf("gate -- run")];
      expect([name, order > 0 && order < engine]).toEqual([name, true]);
      expect(steps.find(({ uses }) => uses?.startsWith("actions/checkout@"))?.with).toMatchObject({
        "fetch-depth": 0,
      });
    }
  });
});

test("a branch of a stranger gets neither an identity nor a runner of ours", () => {
  const exposed = JOBS.filter(
    ({ name, job }) => name.startsWith("pull-request.yml") && (job.permissions ?? {})["id-token"] === "write",
  );
  expect(exposed.map(({ name }) => name)).toEqual(["pull-request.yml preview"]);
  for (const { job } of exposed) {
    expect(job.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
    expect(job.environment).toBe("${{ matrix.stack }}-preview");
  }
  // And its code never runs on a machine or in an environment that deploys or reads unasked.
  const others = cloud.filter(({ name }) => !name.startsWith("pull-request"));
  for (const { job } of others) expect(job.environment).not.toContain("-preview");
});

test("no workflow knows a stack by name: a new stack file is enough", () => {
  const files = fs.readdirSync(FOLDER).map((name) => fs.readFileSync(path.join(FOLDER, name), "utf8"));
  for (const stack of stackNames(ROOT))
    expect(files.join("\n")).not.toMatch(new RegExp(`(stack: |\\[.*\\b|in .*\\b)${stack}\\b`));
  const { stdout } = spawnSync("bash", [".github/scripts/stacks.sh"], { cwd: ROOT, encoding: "utf8" });
  const outputs = Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => [line.split("=")[0], JSON.parse(line.slice(line.indexOf("=") + 1)) as string[]]),
  );
  expect(outputs.all).toEqual([...stackNames(ROOT)].sort());
  expect([...(outputs.prod ?? []), ...(outputs.other ?? [])].sort()).toEqual(outputs.all);
  for (const stack of outputs.prod ?? []) expect(readStacks(ROOT)[stack]?.environment).toBe("prod");
  for (const stack of outputs.other ?? []) expect(readStacks(ROOT)[stack]?.environment).not.toBe("prod");
});

test("no stack stops the work on another half-way", () => {
  const perStack = JOBS.filter(({ job }) => job.strategy?.matrix?.stack !== undefined);
  expect(perStack.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["deploy.yml other", "deploy.yml prod", "drift.yml refresh"]),
  );
  expect(perStack.filter(({ job }) => job.strategy?.["fail-fast"] !== false)).toEqual([]);
});

test("whatever names versions of others is looked after by Dependabot", () => {
  const { updates } = read(path.join(ROOT, ".github/dependabot.yml")) as {
    updates: { "package-ecosystem": string; directory?: string; directories?: string[] }[];
  };
  const looked = (ecosystem: string): string[] =>
    updates
      .filter((update) => update["package-ecosystem"] === ecosystem)
      .flatMap(({ directory, directories }) => directories ?? directory ?? [])
      .sort();
  const holding = (pattern: string): string[] =>
    fs
      .globSync(pattern, { cwd: ROOT })
      .map((file) => `/${path.dirname(file)}`)
      .sort();
  expect(looked("docker")).toEqual(holding("apps/*/Dockerfile"));
  expect(looked("pip")).toEqual(holding("{site,.github}/*requirements.txt"));
  expect(looked("github-actions")).toEqual(["/", ...holding(".github/actions/*/action.yml")]);
});

/** Paths somebody owns, from the root. */
const owned = fs
  .readFileSync(path.join(ROOT, ".github/CODEOWNERS"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("/"))
  .map((line) => line.split(/\s+/)[0] ?? "");

test("whatever the policy pack is made of has owners: what production is held against is weakened there unseen", () => {
  buildPack(ROOT);
  const record = path.join(ROOT, "policies/bin/index.js.made-of.json");
  const { files } = JSON.parse(fs.readFileSync(record, "utf8")) as { files: Record<string, string> };
  const sources = Object.keys(files)
    .map((file) => `/${path.relative(ROOT, path.resolve(ROOT, "policies", file))}`)
    .filter((file) => !file.startsWith("/node_modules/"));
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((file) => !owned.some((place) => file.startsWith(place)))).toEqual([]);
});

test("what decides whether production may be changed has owners, and every owned path exists", () => {
  expect(owned.filter((entry) => fs.globSync(entry.slice(1), { cwd: ROOT }).length === 0)).toEqual([]);
  expect(owned).toEqual(
    expect.arrayContaining([
      "/Pulumi.*.yaml",
      "/policies/",
      "/packages/isolation/",
      "/apps/gates/",
      "/stacks/",
      "/.github/",
      "/control/",
      "/apps/runner/",
      "/package.json",
      "/package-lock.json",
    ]),
  );
});

test("rights to write are those of the one job that needs them", () => {
  const writing = JOBS.flatMap(({ name, job }) =>
    Object.entries(job.permissions ?? {}).flatMap(([scope, level]) =>
      level === "write" ? [`${name}: ${scope}`] : [],
    ),
  );
  expect(writing.filter((entry) => !entry.endsWith("id-token")).sort()).toEqual([
    "drift.yml refresh: issues",
    "operations-image.yml publish: attestations",
    "operations-image.yml publish: packages",
    "pull-request.yml plan: pull-requests",
    "pull-request.yml plan: security-events",
    "recovery-image.yml publish: attestations",
    "recovery-image.yml publish: packages",
    "release.yml publish: attestations",
    "release.yml publish: contents",
    "runner-image.yml publish: attestations",
    "runner-image.yml publish: packages",
    "site.yml publish: pages",
  ]);
});

test("the suite's proofs with the real engine run where the engine is, and fail where it is missing", () => {
  const proofs = JOBS.filter(({ script }) => script.includes("jest test/rehearsal/rehearsal.test.ts"));
  expect(proofs.map(({ name }) => name)).toEqual(["pull-request.yml rehearse"]);
  for (const { job, script } of proofs) {
    expect(job.env?.REQUIRE_PULUMI).toBe("1");
    expect(script).toContain("install-pulumi.sh");
    expect(script).toContain("engineGates.test.ts");
  }
});

test("the objects are sent to a real API server where one is brought, and that fails where it is missing", () => {
  const proofs = JOBS.filter(({ script }) => script.includes("jest test/infra/kubernetesApi.test.ts"));
  expect(proofs.map(({ name }) => name)).toEqual(["pull-request.yml kubernetes"]);
  for (const { job, script } of proofs) {
    expect(job.env?.["REQUIRE_KUBERNETES_API"]).toBe("1");
    expect(script).toContain("kubernetesContract.test.ts");
    expect(script).toContain("GITHUB_PATH");
  }
});

test("the engine is the very archive that was looked at", () => {
  const script = fs.readFileSync(path.join(ROOT, ".github/scripts/install-pulumi.sh"), "utf8");
  expect(script).toMatch(/^SHA256=[0-9a-f]{64}$/m);
  const version = /^VERSION=(\S+)$/m.exec(script)?.[1] ?? "";
  expect(version.localeCompare(MINIMUM_VERSION, "en", { numeric: true })).toBeGreaterThanOrEqual(0);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "install-pulumi-"));
  try {
    // Something else under the same address.
    fs.writeFileSync(
      path.join(folder, "curl"),
      '#!/usr/bin/env bash\nwhile [ "$1" != --output ]; do shift; done\necho other >"$2"\n',
      { mode: 0o755 },
    );
    const { status, stderr } = spawnSync(
      "bash",
      [".github/scripts/install-pulumi.sh", path.join(folder, "bin")],
      {
        cwd: ROOT,
        encoding: "utf8",
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
      },
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining("is not the one whose checksum stands in")]);
    expect(fs.existsSync(path.join(folder, "bin"))).toBe(false);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

const SCRIPTS = fs
  .readdirSync(path.join(ROOT, ".github/scripts"))
  .map((name) => fs.readFileSync(path.join(ROOT, ".github/scripts", name), "utf8"));

test("nothing that is fetched runs before somebody has looked at it", () => {
  const texts = [...SCRIPTS, ...JOBS.map(({ script }) => script)];
  expect(
    texts.filter((text) =>
      /\b(curl|wget|fetch)\b[^|\n]*(\\\n[^|\n]*)*\|\s*(sudo\s+)?(ba|da|z)?sh\b/.test(text),
    ),
  ).toEqual([]);
});

test.each([
  ["recovery", "recovery"],
  ["operations", "readiness"],
  ["runner", "controlPlane.runners.jobs"],
])(
  "the %s image is built on a pinned base, tried, published from main only, signed, and named by digest",
  (image, key) => {
    const [build, publish] = ["build", "publish"].map((job) =>
      JOBS.find(({ name }) => name === `${image}-image.yml ${job}`),
    );
    expect(build?.script).toContain(`--file apps/${image}/Dockerfile`);
    expect(publish?.script).toContain(`forma3d:${key}.image`);
    expect(build?.script).toMatch(/NODE_DIGEST=@\$base/);
    expect(build?.script).not.toContain("docker push");
    expect(publish?.job).toMatchObject({
      needs: "build",
      if: "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'",
    });
    expect(publish?.script).toMatch(/buildx build --push --provenance=mode=max --sbom=true/);
    expect(publish?.script).toContain('echo "$IMAGE@$digest"');
    const attest = publish?.steps.find(({ uses }) => uses?.startsWith("actions/attest-build-provenance@"));
    expect(attest?.with).toMatchObject({
      "subject-digest": "${{ steps.publish.outputs.digest }}",
      "push-to-registry": true,
    });
  },
);

test.each([
  ["recovery", "recovery"],
  ["operations", "readiness"],
])("production runs the repository's own %s image", (image, key) => {
  const stack = read(path.join(ROOT, "Pulumi.prod.yaml")) as { config: any };
  expect(stack.config[`forma3d:${key}`].image).toMatch(new RegExp(`^ghcr\\.io/forma3d/${image}@sha256:`));
});

test("the daily readiness checks run as the identity that the page gives their role", () => {
  const jobs = JOBS.filter(({ script }) => script.includes("preflight.sh"));
  expect(jobs.map(({ name }) => name)).toEqual(["preflight.yml ready"]);
  const environment = String(jobs[0]?.job.environment);
  const purpose = /-(\w+)$/.exec(environment)?.[1] ?? "";
  const page = fs.readFileSync(path.join(ROOT, "docs/deploying.md"), "utf8");
  const given = [...page.matchAll(/--assignee "\$([A-Z]+)" --role "Forma3D preflight \$STACK"/g)];
  expect(given.map(([, identity]) => identity)).toEqual([purpose.toUpperCase()]);
});

describe("a release", () => {
  const job = (name: string) => JOBS.find((one) => one.name === `release.yml ${name}`);
  const CHANGELOG = [
    "# Changelog",
    "",
    "## Unreleased",
    "",
    "### Changed, and needs something from you",
    "",
    "- **`a.b`** is `c` now.",
    "",
    "## 1.3.0 · 2026-10-01",
    "",
    "### Added",
    "",
    "- A thing.",
    "",
    "## 1.2.9 · 2026-09-01",
    "",
    "- Another.",
    "",
  ].join("\n");

  test("is of main, passes the whole suite, and says what it needs from whoever upgrades", () => {
    expect(job("build")?.script).toMatch(/merge-base --is-ancestor "\$GITHUB_SHA" origin\/main/);
    expect(job("build")?.script).toContain("bash .ci/run");
    expect(job("build")?.script).toContain("npm run -s release -- notes");
    expect(job("publish")?.job).toMatchObject({ needs: "build", environment: "release" });
    expect(job("publish")?.script).toMatch(/gh release create .*--verify-tag/);
    expect(job("publish")?.script).not.toMatch(/npm|checkout/);
    expect(
      job("publish")?.steps.some(({ uses }) => uses?.startsWith("actions/attest-build-provenance@")),
    ).toBe(true);
  });

  test("puts what is unreleased under its version and leaves a new heading", () => {
    const after = cut(CHANGELOG, "2.0.0", "2026-11-29");
    expect(after).toContain(
      "## Unreleased\n\n## 2.0.0 · 2026-11-29\n\n### Changed, and needs something from you\n",
    );
    expect(after.replace("\n\n## 2.0.0 · 2026-11-29", "")).toBe(CHANGELOG);
    expect(notes(after, "2.0.0")).toBe(
      "## Upgrading from 1.3.0\n\nRead what it needs from you before you deploy: each entry says what to change, in the order in which they stand.\n\n### Changed, and needs something from you\n\n- **`a.b`** is `c` now.\n",
    );
    expect(notes(after, "1.3.0")).toMatch(
      /^## Upgrading from 1.2.9\n\nNothing is needed from you but an update/,
    );
    expect(notes(after, "1.2.9")).toMatch(/^## Upgrading\n/);
  });

  test.each<[string, () => string, RegExp]>([
    ["no version", () => cut(CHANGELOG, "2", "2026-11-29"), /^version 2: allowed: three numbers/],
    ["a version with a letter", () => notes(CHANGELOG, "v1.3.0"), /^version v1.3.0: allowed: three numbers/],
    [
      "an older version",
      () => cut(CHANGELOG, "1.2.10", "2026-11-29"),
      /^version 1.2.10: allowed: above 1.3.0/,
    ],
    [
      "a patch that needs something",
      () => cut(CHANGELOG, "1.3.1", "2026-11-29"),
      /^version 1.3.1: something is needed/,
    ],
    [
      "nothing to release",
      () => cut(cut(CHANGELOG, "2.0.0", "2026-11-29"), "2.1.0", "2026-11-30"),
      /^CHANGELOG.md: nothing is unreleased/,
    ],
    [
      "notes of what was never cut",
      () => notes(CHANGELOG, "9.9.9"),
      /^version 9.9.9: CHANGELOG.md has no such heading; allowed: 1.3.0, 1.2.9/,
    ],
  ])("refuses %s", (_, made, message) => {
    expect(made).toThrow(message);
  });

  test("the changelog of this project can be cut, and the next version is above every one before", () => {
    const changelog = fs.readFileSync(path.join(ROOT, "CHANGELOG.md"), "utf8");
    expect(notes(cut(changelog, "999.0.0", "2026-11-29"), "999.0.0")).toMatch(/^## Upgrading/);
  });
});

const linters = ["actionlint", "zizmor"].filter((name) => spawnSync(name, ["--version"]).status !== 0);
(linters.length === 0 ? test : test.skip)(
  `actionlint and zizmor find nothing${linters.length === 0 ? "" : ` (NOT RUN: no ${linters.join(" and no ")} on PATH)`}`,
  () => {
    const { status, stdout, stderr } = spawnSync("npm", ["run", "-s", "check:workflows"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  },
  180_000,
);

test("the README and continuous integration bring the tests' programs with one and the same command", () => {
  const scripts = (JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { scripts: any })
    .scripts;
  const setup = "bash packages/local-servers/setup.sh";
  expect(scripts.setup).toBe(setup);
  expect(fs.readFileSync(path.join(ROOT, ".ci/run"), "utf8")).toMatch(new RegExp(`^${setup}$`, "m"));
  expect(fs.readFileSync(path.join(ROOT, "README.md"), "utf8")).toMatch(/npm run setup/);
});
