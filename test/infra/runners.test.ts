import { spawn, spawnSync } from "node:child_process";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { From } from "dockerfile-ast";
import { validate, ValidationSeverity } from "dockerfile-utils";
import { load } from "js-yaml";
import { GITHUB_APP_SECRET, RUNNER_LIMITS } from "../../infra/control/runnerSettings";
import { RUNNER_PURPOSES } from "../../infra/control/names";
import { projectRoot } from "../../packages/command/root";
import { sandboxModel } from "../../packages/emulated-azure/model";
import type { Tree } from "../../packages/emulated-azure/model/types";
import { readStacks } from "../../stacks/files";
import { argumentsOf, readDockerfile } from "../support/dockerfile";
import { PlanView, planStack } from "../support/plan";

const ROOT = projectRoot(__dirname);
const CONTROL = path.join(ROOT, "control");
const JOB = "azure-native:app:Job";
const IMAGE =
  "ghcr.io/forma3d/runner@sha256:4d967a4e3e0d6b1a4f3c1dd2be1f0c9a7d5c2e8b6f90a1b3c4d5e6f708192a3b";
const JOBS = { image: IMAGE, app: { id: 812345, installationId: 51234567 } };
/** Has the address the emulated Azure gives. */
const ADMITTED = { "cluster.authorizedIpRanges": ["203.0.113.0/24"] };

type Inputs = Record<string, any>;
const all = (plan: PlanView, type: string): Inputs[] =>
  plan.ofType(type).map(({ inputs }) => inputs as Inputs);

const control = (config: Record<string, unknown>, stack = "prod", judged = false): Promise<PlanView> =>
  planStack(stack, { root: CONTROL, config, resolve: !judged, judged });

describe("runners of the environment's own", () => {
  let plan: PlanView;
  beforeAll(async () => {
    plan = await control({ "controlPlane.runners": { jobs: JOBS }, ...ADMITTED });
  }, 180_000);

  test("stand where the state does, behind one address, and nothing reaches them", () => {
    expect(plan.errors).toEqual([]);
    const address = plan.one("azure-native:network:PublicIPAddress");
    expect(plan.outputs["runnerAddresses"]).toEqual([expect.stringMatching(/^203\.0\.113\.\d+\/32$/)]);
    const gateway = plan.one("azure-native:network:NatGateway");
    expect(gateway.dependencies).toContain(address.urn);
    const subnets = all(plan, "azure-native:network:Subnet");
    expect(subnets.map(({ addressPrefix }) => addressPrefix as string)).toEqual([
      "192.168.240.0/27",
      "192.168.240.32/27",
    ]);
    for (const subnet of subnets) {
      expect(subnet).toMatchObject({
        defaultOutboundAccess: false,
        natGateway: {},
        networkSecurityGroup: {},
      });
      expect(subnet["delegations"]).toMatchObject([{ serviceName: "Microsoft.App/environments" }]);
    }
    for (const { securityRules } of all(plan, "azure-native:network:NetworkSecurityGroup")) {
      const open = (securityRules as Inputs[]).filter(({ access }) => access === "Allow");
      expect(open.map((rule) => rule["sourceAddressPrefix"] as string)).toEqual([
        expect.stringMatching(/^192\.168\.240\.\d+\/27$/),
        "AzureLoadBalancer",
      ]);
      expect((securityRules as Inputs[]).at(-1)).toMatchObject({ access: "Deny", sourceAddressPrefix: "*" });
    }
    const environments = all(plan, "azure-native:app:ManagedEnvironment");
    expect(environments).toHaveLength(2);
    for (const one of environments)
      expect(one).toMatchObject({
        location: "northeurope",
        publicNetworkAccess: "Disabled",
        vnetConfiguration: { internal: true },
      });
    // One for each purpose: what an unreviewed branch runs in is nobody else's.
    expect(new Set(environments.map((one) => one["vnetConfiguration"].infrastructureSubnetId)).size).toBe(2);
  });

  test("reach the state where its accounts see no address of theirs: by their subnets, and by no other", async () => {
    // In an account's own region Azure's traffic has private addresses: a rule for the public one admits nobody there.
    const accounts = plan.ofType("azure-native:storage:StorageAccount");
    const subnets = plan.ofType("azure-native:network:Subnet");
    for (const { inputs } of subnets)
      expect(inputs["serviceEndpoints"]).toEqual([{ service: "Microsoft.Storage.Global", locations: ["*"] }]);
    expect(accounts.map(({ inputs }) => inputs["location"])).toEqual(["westeurope", "northeurope"]);
    for (const { inputs, dependencies } of accounts) {
      const { networkRuleSet } = inputs as Inputs;
      expect(
        networkRuleSet.virtualNetworkRules.map((rule: Inputs) => rule["virtualNetworkResourceId"]),
      ).toEqual(
        ["deploy", "preview"].map((name) =>
          expect.stringMatching(
            new RegExp(`/rg-forma3d-prod-runners-neu/.+/vnet-forma3d-prod-runners-neu/subnets/${name}$`),
          ),
        ),
      );
      expect(dependencies).toEqual(expect.arrayContaining(subnets.map(({ urn }) => urn)));
    }
    const without = await control({});
    for (const { networkRuleSet } of all(without, "azure-native:storage:StorageAccount"))
      expect(networkRuleSet).not.toHaveProperty("virtualNetworkRules");
  });

  test("take one job each, and no job gets to the key that makes them", () => {
    expect(all(plan, JOB).map(({ jobName }) => jobName as string)).toEqual([
      "job-forma3d-prod-deploy",
      "job-forma3d-prod-preview",
    ]);
    for (const { configuration, template, identity } of all(plan, JOB)) {
      expect(configuration).toMatchObject({
        triggerType: "Event",
        replicaRetryLimit: 0,
        secrets: [
          {
            name: GITHUB_APP_SECRET,
            keyVaultUrl: "https://kv-forma3d-prod-cneu.vault.azure.net/secrets/github-app",
          },
        ],
        eventTriggerConfig: { parallelism: 1, replicaCompletionCount: 1, scale: { minExecutions: 0 } },
      });
      // Only the platform may act as the identity.
      expect(configuration.identitySettings).toEqual([
        { identity: identity.userAssignedIdentities[0], lifecycle: "None" },
      ]);
      const secret = template.volumes.filter((volume: Inputs) => volume["storageType"] === "Secret");
      expect(secret.map((volume: Inputs) => volume["name"])).toEqual(["key"]);
      const mounted = (containers: Inputs[]) =>
        containers.map(({ name, volumeMounts }) => [
          name,
          volumeMounts.map((one: Inputs) => one["volumeName"]),
        ]);
      expect(mounted(template.initContainers)).toEqual([["register", ["key", "registration"]]]);
      expect(mounted(template.containers)).toEqual([["runner", ["registration"]]]);
      expect(JSON.stringify(template.containers)).not.toContain("secretRef");
    }
    const runners = plan.one("azure-native:managedidentity:UserAssignedIdentity", "runners");
    const rights = plan
      .ofType("azure-native:authorization:RoleAssignment")
      .filter(({ dependencies }) => dependencies.includes(runners.urn));
    expect(rights.map(({ inputs }) => (inputs["scope"] as string).split("/").at(-1))).toEqual([
      "rg-forma3d-prod-control-neu",
    ]);
  });

  test("wait for the labels the workflows ask for, and last longer than their longest job", () => {
    const workflows = fs
      .readdirSync(path.join(ROOT, ".github/workflows"))
      .map((name) => load(fs.readFileSync(path.join(ROOT, ".github/workflows", name), "utf8")) as Inputs);
    const minutes = { deploy: [0], preview: [0] };
    for (const { jobs } of workflows)
      for (const job of Object.values(jobs as Record<string, Inputs>))
        for (const purpose of RUNNER_PURPOSES)
          if (String(job["runs-on"]).includes(`vars.${purpose.toUpperCase()}_RUNNER`))
            minutes[purpose].push(Number(job["timeout-minutes"]));
    for (const [index, purpose] of RUNNER_PURPOSES.entries()) {
      expect(minutes[purpose].length).toBeGreaterThan(1);
      expect(RUNNER_LIMITS[purpose].hours * 60).toBeGreaterThan(Math.max(...minutes[purpose]));
      const { configuration } = all(plan, JOB)[index] ?? {};
      expect(configuration.replicaTimeout).toBe(RUNNER_LIMITS[purpose].hours * 3600);
      const [rule] = configuration.eventTriggerConfig.scale.rules;
      expect(rule).toMatchObject({
        type: "github-runner",
        metadata: { owner: "forma3d", repos: "platform", labels: `forma3d-${purpose}-prod` },
        auth: [{ triggerParameter: "appKey", secretRef: GITHUB_APP_SECRET }],
      });
    }
  });

  test("follow the region of the state", async () => {
    const moved = await control({
      "controlPlane.runners": { jobs: JOBS },
      "controlPlane.location": "swedencentral",
      ...ADMITTED,
    });
    expect(moved.errors).toEqual([]);
    for (const type of [JOB, "azure-native:app:ManagedEnvironment", "azure-native:network:PublicIPAddress"])
      for (const { location } of all(moved, type)) expect(location).toBe("swedencentral");
  }, 180_000);

  test("begin with their address: the vault must admit it before a job can be made", async () => {
    const first = await control({ "controlPlane.runners": {} });
    expect(first.errors).toEqual([]);
    expect(first.ofType(JOB)).toEqual([]);
    const [address = ""] = first.outputs["runnerAddresses"] as string[];
    const early = await control({ "controlPlane.runners": { jobs: JOBS } });
    expect(early.errors.join("\n")).toContain(
      `cluster.authorizedIpRanges: found 203.0.113.16/29; allowed: ${address} among them`,
    );
  }, 180_000);

  test.each(["prod", "staging"])(
    "no policy refuses them, in %s",
    async (stack) => {
      const judged = await control({ "controlPlane.runners": { jobs: JOBS } }, stack, true);
      expect(judged.errors).toEqual([]);
      expect(judged.violations.filter(({ level }) => level === "mandatory")).toEqual([]);
    },
    180_000,
  );
});

const { recovery } = readStacks(ROOT)["prod"] ?? {};

test.each<[string, object, string]>([
  [
    "an image that may change",
    { ...JOBS, image: "ghcr.io/forma3d/runner:latest" },
    "controlPlane.runners.jobs.image: found 'ghcr.io/forma3d/runner:latest'; allowed: an image reference pinned by digest",
  ],
  [
    "the image of another program",
    { ...JOBS, image: recovery?.image },
    "; allowed: another image than recovery.image",
  ],
  [
    "an app that is none",
    { ...JOBS, app: { id: 0, installationId: 1.5 } },
    "controlPlane.runners.jobs.app.id: found 0; allowed: a whole number of at least 1",
  ],
  [
    "a key nobody reads",
    { ...JOBS, token: "x" },
    "controlPlane.runners.jobs.token: found 'x'; allowed: only image, app, group",
  ],
])(
  "%s is refused at the stack file, with key, value and what is allowed",
  (_, jobs, said) => {
    const ran = spawnSync(
      process.execPath,
      [
        ...["packages/command/run.mjs", "apps/tools/plan/plan.ts", "prod", "--project", "control"],
        ...["--config", `controlPlane.runners=${JSON.stringify({ jobs })}`],
      ],
      { cwd: ROOT, encoding: "utf8" },
    );
    expect([ran.status, ran.stderr.replace(/\s+/g, " ")]).toEqual([2, expect.stringContaining(said)]);
  },
  60_000,
);

test("a machine's address alone is written as a storage account's firewall takes it", async () => {
  const plan = await control({ "cluster.authorizedIpRanges": ["203.0.113.16/29", "198.51.100.7/32"] });
  for (const { networkRuleSet } of all(plan, "azure-native:storage:StorageAccount"))
    expect(networkRuleSet.ipRules).toEqual([
      { iPAddressOrRange: "203.0.113.16/29" },
      { iPAddressOrRange: "198.51.100.7" },
    ]);
}, 180_000);

describe("the emulated Azure refuses a container job", () => {
  const model = sandboxModel();
  const scope = {
    package: "azure-native",
    config: { subscriptionId: "11111111-2222-4333-8444-555555555555" },
  };
  const vaultSecret = { name: "key", keyVaultUrl: "https://kv.vault.azure.net/secrets/key", identity: "/id" };
  const job = {
    resourceGroupName: "rg",
    jobName: "job",
    location: "westeurope",
    environmentId: "/environment",
    workloadProfileName: "Consumption",
    identity: { type: "UserAssigned", userAssignedIdentities: ["/id"] },
    configuration: {
      triggerType: "Event",
      replicaTimeout: 60,
      secrets: [vaultSecret],
      eventTriggerConfig: { scale: { rules: [{ auth: [{ secretRef: "key" }] }] } },
    },
    template: {
      containers: [{ name: "a", resources: { cpu: 3, memory: "6Gi" }, volumeMounts: [{ volumeName: "v" }] }],
      volumes: [{ name: "v", storageType: "EmptyDir" }],
    },
  };
  const refused = (changes: object): string[] =>
    model
      .check({
        type: JOB,
        name: "job",
        urn: `urn:pulumi:s::p::${JOB}::job`,
        inputs: { ...job, ...changes } as Tree,
        scope,
      })
      .failures.map(({ reason }) => reason);

  test("and takes a whole one", () => expect(refused({})).toEqual([]));

  test.each<[string, object, string]>([
    [
      "whose scaler names a secret it has not",
      { configuration: { ...job.configuration, secrets: [] } },
      "names secret key, which is not in configuration",
    ],
    [
      "whose secret is fetched with an identity it has not",
      { identity: { type: "UserAssigned", userAssignedIdentities: ["/other"] } },
      "key is fetched with an identity that is not among those of the resource",
    ],
    [
      "that mounts a volume it has not",
      { template: { ...job.template, volumes: [] } },
      "mounts volume v, which is not in the template",
    ],
    [
      "of a size Azure has not",
      { template: { ...job.template, containers: [{ name: "a", resources: { cpu: 3, memory: "8Gi" } }] } },
      "3 cores and 8Gi in total; allowed: 0.25 to 4 cores in quarters, and twice as many GiB",
    ],
    [
      "that is started by events nobody names",
      { configuration: { triggerType: "Event", replicaTimeout: 60, secrets: [vaultSecret] } },
      "needed by this kind of trigger",
    ],
  ])("%s", (_, changes, reason) => expect(refused(changes)).toEqual([reason]));
});

describe("the image of the runner", () => {
  const { text: file, of, copied } = readDockerfile("apps/runner/Dockerfile");

  test("is GitHub's with a pinned base, without a way to root, and holds nothing of the project", () => {
    const problems = validate(file, { instructionCasing: ValidationSeverity.ERROR });
    expect(problems.map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
    const bases = (of("FROM") as From[]).map((stage) => stage.getImage());
    expect(bases).toEqual([
      "node:${NODE_TAG}${NODE_DIGEST}",
      "ghcr.io/actions/actions-runner:${RUNNER_TAG}${RUNNER_DIGEST}",
    ]);
    expect(of("USER").map(argumentsOf).at(-1)).toEqual(["runner"]);
    expect(file).toContain("rm /opt/forma3d/install.sh /etc/sudoers");
    const context = fs
      .readFileSync(path.join(ROOT, "apps/runner/Dockerfile.dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    expect([...copied].sort()).toEqual([...context].sort());
  });

  test("takes the Azure CLI from a repository whose key is Microsoft's, or from none", () => {
    const installed = (fingerprint: string): string => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "runner-image-"));
      try {
        const program = (name: string, line: string): void =>
          fs.writeFileSync(path.join(folder, name), `#!/usr/bin/env bash\n${line}\n`, { mode: 0o755 });
        program("apt-get", `echo "$*" >>${folder}/ran`);
        program("curl", "true");
        program("rm", "true");
        program("gpg", `printf 'pub:\\nfpr:::::::::${fingerprint}:\\n'`);
        fs.mkdirSync(path.join(folder, "etc/apt/sources.list.d"), { recursive: true });
        fs.writeFileSync(path.join(folder, "etc/os-release"), "VERSION_CODENAME=noble\n");
        const script = fs
          .readFileSync(path.join(ROOT, "apps/runner/install.sh"), "utf8")
          .replaceAll(/(?<=[=>\s])\/etc\//g, `${folder}/etc/`);
        spawnSync("bash", ["--norc", "-c", script], {
          env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
        });
        return fs.readFileSync(path.join(folder, "ran"), "utf8");
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    };
    expect(installed("BC528686B50D79E339D3721CEB3E94ADBE1229CF")).toContain(" azure-cli\n");
    expect(installed("0".repeat(40))).not.toContain("azure-cli");
  });

  describe("registers one runner for one job", () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    let folder: string;
    let server: http.Server;
    let asked: { path: string; authorization: string; body: Inputs }[];
    let answers: Record<string, [number, object]>;

    beforeEach(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "runner-"));
      fs.writeFileSync(
        path.join(folder, "key.pem"),
        privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      );
      asked = [];
      answers = {
        "/app/installations/51234567/access_tokens": [201, { token: "installation" }],
        "/orgs/forma3d/actions/runners/generate-jitconfig": [201, { encoded_jit_config: "for one job" }],
      };
      server = http.createServer((request, response) => {
        void text(request).then((body) => {
          const { url = "", headers } = request;
          asked.push({
            path: url,
            authorization: headers.authorization ?? "",
            body: JSON.parse(body) as Inputs,
          });
          const [status, answer] = answers[url] ?? [404, { message: "Not Found" }];
          response.writeHead(status).end(JSON.stringify(answer));
        });
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
    });
    afterEach(() => {
      server.close();
      fs.rmSync(folder, { recursive: true });
    });

    async function register(more: NodeJS.ProcessEnv = {}) {
      const child = spawn(process.execPath, ["--no-warnings", path.join(ROOT, "apps/runner/register.ts")], {
        env: {
          GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          GITHUB_ORGANIZATION: "forma3d",
          GITHUB_APP_ID: "812345",
          GITHUB_APP_INSTALLATION_ID: "51234567",
          GITHUB_APP_KEY_FILE: path.join(folder, "key.pem"),
          RUNNER_GROUP: "1",
          RUNNER_LABEL: "forma3d-preview-prod",
          REGISTRATION_FILE: path.join(folder, "jitconfig"),
          ...more,
        },
      });
      const [said, errors, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close") as Promise<[number]>,
      ]);
      return { code, said: said + errors };
    }

    test("as the app, with the one right it asks for, and says nothing", async () => {
      expect(await register()).toEqual({ code: 0, said: "" });
      const [signIn, made] = asked;
      const [head = "", claims = "", signature = ""] =
        signIn?.authorization.replace("Bearer ", "").split(".") ?? [];
      expect(
        createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(publicKey, signature, "base64url"),
      ).toBe(true);
      const { iss, iat, exp } = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<
        string,
        number
      >;
      // GitHub takes ten minutes at most.
      expect([String(iss), (exp ?? 0) - (iat ?? 0)]).toEqual(["812345", 540]);
      expect(signIn?.body).toEqual({ permissions: { organization_self_hosted_runners: "write" } });
      expect(made?.authorization).toBe("Bearer installation");
      expect(made?.body).toMatchObject({ runner_group_id: 1, labels: ["forma3d-preview-prod"] });
      const file = path.join(folder, "jitconfig");
      expect(fs.readFileSync(file, "utf8")).toBe("for one job");
      expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    });

    test("or says why not, without the key", async () => {
      answers["/orgs/forma3d/actions/runners/generate-jitconfig"] = [
        403,
        { message: "Resource not accessible" },
      ];
      const { code, said } = await register();
      expect(code).toBe(1);
      expect(said).toBe(
        'error: no runner was registered: POST /orgs/forma3d/actions/runners/generate-jitconfig: 403 {"message":"Resource not accessible"}\n',
      );
      expect(fs.existsSync(path.join(folder, "jitconfig"))).toBe(false);
      expect(await register({ RUNNER_LABEL: "" })).toEqual({
        code: 1,
        said: "error: no runner was registered: RUNNER_LABEL: required\n",
      });
    });
  });

  test("hands the registration on in no argument, and keeps no file of it", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "runner-"));
    try {
      const file = path.join(folder, "jitconfig");
      fs.writeFileSync(file, "for one job");
      fs.writeFileSync(
        path.join(folder, "run.sh"),
        '#!/usr/bin/env bash\necho "$# $ACTIONS_RUNNER_INPUT_JITCONFIG"\nls "$RUNNER_FOLDER"\nexit 7\n',
        { mode: 0o755 },
      );
      const { status, stdout } = spawnSync("bash", [path.join(ROOT, "apps/runner/work.sh")], {
        encoding: "utf8",
        env: { PATH: process.env["PATH"], RUNNER_FOLDER: folder, REGISTRATION_FILE: file },
      });
      expect([status, stdout]).toEqual([7, "0 for one job\nrun.sh\n"]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
