import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";

const ROOT = path.join(__dirname, "../..");
const FOLDER = path.join(ROOT, ".github/workflows");

interface Step {
  uses?: string;
  run?: string;
  env?: Record<string, string>;
}
interface Job {
  if?: string;
  "runs-on"?: string;
  permissions?: Record<string, string>;
  env?: Record<string, string>;
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

test("whatever asks a cluster runs where the cluster answers, can sign in, and first sees that it does", () => {
  const cloud = JOBS.filter(({ script }) => /pulumi (preview|up|refresh) --stack/.test(script));
  expect(cloud.map(({ name }) => name)).toEqual([
    "deploy-stack.yml up",
    "drift.yml refresh",
    "pull-request.yml preview",
  ]);
  for (const { name, job, script } of cloud) {
    const runner = name.startsWith("deploy") ? "DEPLOY_RUNNER" : "PREVIEW_RUNNER";
    const stack = name.startsWith("deploy") ? "inputs.stack" : "matrix.stack";
    expect([name, job["runs-on"]]).toEqual([name, `\${{ format('{0}-{1}', vars.${runner}, ${stack}) }}`]);
    expect(job.if).toContain(`vars.${runner} != ''`);
    expect(script).toContain("--kubelogin-version");
    const [gate, engine] = [
      script.indexOf("clusters-answer.sh"),
      script.search(/pulumi (preview|up|refresh) /),
    ];
    expect(gate).toBeGreaterThan(0);
    expect(gate).toBeLessThan(engine);
  }
});

test("a branch of a stranger gets neither an identity nor a runner of ours", () => {
  const exposed = JOBS.filter(
    ({ name, job }) => name.startsWith("pull-request.yml") && (job.permissions ?? {})["id-token"] === "write",
  );
  expect(exposed.map(({ name }) => name)).toEqual(["pull-request.yml preview"]);
  for (const { job } of exposed)
    expect(job.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
});

test("the suite's proofs with the real engine run where the engine is, and fail where it is missing", () => {
  const proofs = JOBS.filter(({ script }) => script.includes("jest test/rehearsal/rehearsal.test.ts"));
  expect(proofs.map(({ name }) => name)).toEqual(["pull-request.yml rehearse"]);
  for (const { job, script } of proofs) {
    expect(job.env?.REQUIRE_PULUMI).toBe("1");
    expect(script).toContain("get.pulumi.com");
  }
});

test("the recovery image is built on a pinned base, tried, published from main only, and named by digest", () => {
  const [image] = JOBS.filter(({ name }) => name === "recovery-image.yml build");
  expect(image?.script).toMatch(/NODE_DIGEST=@\$base/);
  const publishing = image?.steps.filter(({ run }) => run?.includes("docker push"));
  expect(publishing).toHaveLength(1);
  expect((publishing?.[0] as { if?: string }).if).toBe(
    "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'",
  );
  expect(image?.script).toContain('echo "$IMAGE@$digest"');
  const stack = read(path.join(ROOT, "Pulumi.prod.yaml")) as { config: any };
  expect(stack.config["forma3d:recovery"].image).toMatch(/^ghcr\.io\/forma3d\/recovery@sha256:/);
});

test("the README asks for every program the tests are run with", () => {
  const needed = [...fs.readFileSync(path.join(ROOT, ".ci/run"), "utf8").matchAll(/^need ([a-z-]+) /gm)].map(
    ([, name]) => name,
  );
  expect(needed.length).toBeGreaterThan(5);
  const readme = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
  const asked = (/`apt-get install ([^`]+)`/.exec(readme)?.[1] ?? "").split(/\s+/);
  // The server's package brings the client programs along.
  expect(needed.filter((name) => name !== "postgresql-client" && !asked.includes(name ?? ""))).toEqual([]);
});

describe("clusters-answer.sh", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "answer-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Runs the script with programs that answer as Azure and the cluster would. */
  function run(answers: { clusters: string[]; answering: boolean }, stack = "prod") {
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
    return spawnSync("bash", [".github/scripts/clusters-answer.sh", stack], {
      cwd: ROOT,
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env.PATH ?? ""}`, RUNNER_TEMP: folder },
    });
  }

  test("asks the cluster of each region that computes, and no other", () => {
    const { status, stdout } = run({ clusters: ["aks-one", "aks-two"], answering: true });
    expect([status, stdout]).toEqual([0, "aks-one answers\n"]);
  });

  test("stops an update from where a cluster does not answer, and says what to look at", () => {
    const { status, stderr } = run({ clusters: ["aks-one"], answering: false });
    expect(status).toBe(1);
    expect(stderr).toContain(
      "aks-one does not answer from here; is this address in cluster.authorizedIpRanges?",
    );
  });

  test("lets a region without a cluster be made", () => {
    const { status, stdout } = run({ clusters: [], answering: false });
    expect([status, stdout]).toEqual([0, "aks-one does not exist yet\n"]);
  });
});
