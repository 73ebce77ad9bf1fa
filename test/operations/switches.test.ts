import fs from "node:fs";
import path from "node:path";
import {
  operate,
  type FrameOptions,
  type Surroundings,
  type Verb,
} from "../../apps/operations/frame/operate";
import type { Step } from "../../apps/operations/frame/steps";
import type { Ground } from "../../apps/operations/ground/types";
import { rotate, type RotateChoice } from "../../apps/operations/rotate";
import { UNITS } from "../../apps/operations/rotate/units";
import { renderStatus, status, statusCode } from "../../apps/operations/status";
import { lookUp, ok } from "../../apps/operations/status/findings";
import { contain, reopen } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { SECRET_CATALOG } from "../../infra/secrets/secretCatalog";
import { Laptop, NORTH, OLD, WEST } from "./laptop";

let laptop: Laptop;
let said: string[];

beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(3);
}, 60_000);
afterAll(() => laptop.close());
beforeEach(() => {
  said = [];
});

const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  now: () => new Date(),
  signal: new AbortController().signal,
  say: (line) => said.push(line),
  folder: laptop.folder,
  ...more,
});
const run = (verb: Verb, options: FrameOptions, more: Partial<Surroundings> = {}): Promise<any> =>
  operate(verb, options, around(more));
const go = (incident: string): FrameOptions => ({ yes: true, incident });

const ask = async (address: string) => {
  const answer = await fetch(`${laptop.platform.hosts.api}${address}`);
  return { status: answer.status, retry: answer.headers.get("retry-after"), text: await answer.text() };
};
const answers = async (address: string, wanted: number) => {
  for (let tries = 0; tries < 400; tries++) {
    if ((await ask(address)).status === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect((await ask(address)).status).toBe(wanted);
};
const look = (ground: Ground = laptop.ground) => status(laptop.platform, ground, laptop.folder);
const finding = async (id: string, ground?: Ground) => (await look(ground)).find((one) => one.id === id);
const verbs = {
  on: () => maintenance(laptop.platform, laptop.ground, { on: true, retryAfterSeconds: 600 }),
  off: () => maintenance(laptop.platform, laptop.ground, { on: false, retryAfterSeconds: 600 }),
  contain: () => contain(laptop.platform, laptop.ground, around()),
  reopen: (keepSecrets = true) => reopen(laptop.platform, laptop.ground, { keepSecrets }),
};
const nobody: RotateChoice = {
  secrets: "all",
  supply: { untested: false, value: () => Promise.resolve(undefined) },
  offered: () => false,
};
const rotating = (
  secrets: RotateChoice["secrets"],
  more: Partial<RotateChoice> = {},
  ground = laptop.ground,
) => rotate(laptop.platform, ground, { ...nobody, secrets, ...more });
const signsIn = (user: string, password: string) =>
  laptop.ground.database.login(laptop.platform.writerHost, { user, password, database: "postgres" });
const inVault = async (secret: string, { vault } = WEST) =>
  (await laptop.ground.vaults.read(vault, secret))?.value;

describe("status", () => {
  test("says what it found, why it does not know the rest, and asks for attention", async () => {
    await answers("/health/ready", 200);
    const findings = await look();
    const text = (id: string) => findings.find((one) => one.id === id)?.text;
    expect(text("serving")).toBe(
      "westeurope (psql-shop-weu); psql-shop-weu: Primary, psql-shop-neu: AsyncReplica",
    );
    expect(text("replication")).toMatch(/replica_psql-shop-neu streaming, \d+ bytes .*; lost now: /);
    expect(text("fences")).toBe("westeurope: open, northeurope: fenced");
    expect(text("public names")).toMatch(/: 200 from westeurope, /);
    expect(text("front door")).toBe("endpoint Enabled, 2 origins, 1 names");
    // What no store holds is unknown with its reason, never empty.
    expect(findings.filter(({ state }) => state === "unknown").map(({ id }) => id)).toEqual([
      "backups",
      "incidents",
      "drill",
      "readiness",
    ]);
    for (const { state, text: told } of findings)
      if (state === "unknown") expect(told).toMatch(/^unknown: .{10,}/);
    expect(findings.filter(({ state }) => state === "attention")).toEqual([]);
    expect(statusCode(findings)).toBe(3);
    expect(renderStatus("shop", findings)).toMatch(/^shop: 0 want attention \(!\), 4 could not be looked up/);
    expect(statusCode(findings.filter(({ state }) => state === "ok"))).toBe(0);
  });

  test("nothing that fails or hangs is taken for well", async () => {
    const failing = new Error("no route");
    const ground: Ground = {
      ...laptop.ground,
      database: { ...laptop.ground.database, query: () => Promise.reject(failing) },
      cluster: () => {
        throw failing;
      },
      edge: () => Promise.reject(failing),
      certificate: () => Promise.resolve(new Date(Date.now() + 86_400_000)),
    };
    const findings = await look(ground);
    for (const id of ["serving", "replication", "fences", "switches"])
      expect(findings.find((one) => one.id === id)).toEqual({
        id,
        state: "unknown",
        text: expect.stringMatching(/no route/),
      });
    expect(findings.find(({ id }) => id === "public names")?.state).toBe("attention");
    expect(findings.find(({ id }) => id === "certificates")?.text).toMatch(/should have been renewed/);
    expect(statusCode(findings)).toBe(1);
    const hanging = await lookUp(
      { a: () => new Promise(() => undefined), b: () => Promise.resolve(ok("b")) },
      0.05,
    );
    expect(hanging.map(({ text }) => text)).toEqual(["unknown: no answer within 0.05 s", "b"]);
  });

  test("a stack file that contradicts who serves, a fence that is open, a journal that did not finish", async () => {
    const [west, north] = laptop.platform.regions as [typeof WEST, typeof NORTH];
    const regions = [
      { ...west, role: "standby" as const },
      { ...north, role: "serving" as const },
    ];
    fs.writeFileSync(path.join(laptop.folder, "INC-open.jsonl"), "");
    const findings = await status({ ...laptop.platform, regions }, laptop.ground, laptop.folder);
    const text = (id: string) => findings.find((one) => one.id === id)?.text;
    expect(text("serving")).toMatch(/the stack file says northeurope serves: commit who does/);
    expect(text("fences")).toMatch(
      /roles of westeurope may log in, and it does not serve; roles of northeurope may not log in, and it serves/,
    );
    fs.rmSync(path.join(laptop.folder, "INC-open.jsonl"));
  });
});

describe("maintenance", () => {
  test("on: 503 with Retry-After, webhooks included, health checks stay; off: all answers again", async () => {
    const plan = await run(verbs.on(), { dryRun: true });
    expect(plan.steps.map(({ id }: Step) => id)).toEqual(["page", "entry", "answers"]);
    expect((await ask("/webhooks")).status).not.toBe(503);
    await run(verbs.on(), {}, { ask: () => Promise.resolve("shop") });
    for (const address of ["/webhooks", "/"])
      expect(await ask(address)).toEqual({
        status: 503,
        retry: "600",
        text: expect.stringMatching(/maintained/),
      });
    expect(await ask("/health/ready")).toMatchObject({ status: 200, text: "the API itself" });
    expect(await finding("switches")).toMatchObject({
      state: "attention",
      text: /^aks-shop-weu: maintenance \(/,
    });
    const again = await run(verbs.on(), go("INC-again"));
    expect(again.steps.map(({ how }: { how: string }) => how)).toEqual(["found", "found", "found"]);
    await run(verbs.off(), go("INC-off"));
    expect((await ask("/health/ready")).text).toBe("");
    expect(await finding("switches")).toMatchObject({ state: "ok" });
  }, 30_000);

  test("refused: the wrong name, a contained platform, no cluster that serves, two that do", async () => {
    await expect(run(verbs.on(), {}, { ask: () => Promise.resolve("prod") })).rejects.toThrow(
      /"prod" is not shop; nothing was done/,
    );
    const of = (change: (deployments: any[]) => any[]): Ground => ({
      ...laptop.ground,
      cluster: (name) => ({
        ...laptop.ground.cluster(name),
        deployments: async (namespace) => change(await laptop.ground.cluster(name).deployments(namespace)),
      }),
    });
    const none = of((all) => all.map((one) => ({ ...one, replicas: 0 })));
    const both = of((all) => all.map((one) => ({ ...one, replicas: 1, annotations: {} })));
    const on = (ground: Ground) => maintenance(laptop.platform, ground, { on: true, retryAfterSeconds: 60 });
    await expect(run(on(none), go("INC-none"))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/no cluster serves: aks-shop-weu has no pod; aks-shop-neu has no pod/),
    });
    await expect(run(on(both), go("INC-both"))).rejects.toThrow(/aks-shop-weu and aks-shop-neu both serve/);
  });
});

describe("contain and reopen", () => {
  test("cuts off, keeps the logs, and one command is the exact way back", async () => {
    const before = await laptop.snapshot();
    await run(verbs.contain(), go("INC-breach"));
    expect((await ask("/")).status).toBe(404);
    expect(laptop.endpointState()).toBe("Disabled");
    expect(await signsIn("api_weu", OLD)).toMatch(/not permitted to log in/);
    const folder = path.join(laptop.folder, "INC-breach-evidence");
    const sums = fs.readFileSync(path.join(folder, "SHA256SUMS"), "utf8");
    expect(sums).toMatch(/ activity\.json\n[\s\S]* aks-shop-weu-api-[\w-]+-api\.log\n/);
    expect(await finding("switches")).toMatchObject({ state: "attention", text: /contain \(INC-breach\)/ });
    expect((await finding("fences"))?.text).toMatch(/contained: api_weu, backup_weu/);

    await expect(run(verbs.contain(), go("INC-other"))).rejects.toThrow(/contained already, by INC-breach/);
    await expect(run(verbs.on(), go("INC-m"))).rejects.toThrow(/is contained: reopen leads its names back/);
    await expect(run(verbs.reopen(false), go("INC-r"))).rejects.toThrow(
      /secrets from before the containment: session-secret, .*; rotate shop --all/,
    );
    await run(verbs.reopen(), go("INC-r"));
    await laptop.writes(3);
    expect(await laptop.snapshot()).toEqual(before);
    expect(await signsIn("api_weu", OLD)).toBe(true);
  }, 40_000);

  test("reopening while a step of the containment is undone is refused, with the step", async () => {
    await expect(run(killed(verbs.contain(), 2, "before"), go("INC-half"))).rejects.toThrow(/killed/);
    await expect(run(verbs.reopen(), go("INC-back"))).rejects.toThrow(
      /the containment was not finished \(logins: .* may not log in; entry: .*\): type contain shop again first/,
    );
    await run(verbs.contain(), go("INC-half"));
    await run(verbs.reopen(), go("INC-back"));
    await expect(run(verbs.reopen(), go("INC-nothing"))).resolves.toMatchObject({ stack: "shop" });
    await laptop.writes(3);
  }, 40_000);

  test("refused where no role of a region could be shut", async () => {
    const regions = laptop.platform.regions.map((region) => ({ ...region, code: "xyz" }));
    const verb = contain({ ...laptop.platform, regions }, laptop.ground, around());
    await expect(run(verb, go("INC-x"))).rejects.toThrow(/no login role of a region \(…_xyz, …_xyz\)/);
  });
});

describe("rotate", () => {
  test("all that can be made here: new values in both vaults, no old credential works, the pods go on", async () => {
    const names = SECRET_CATALOG.map(({ name }) => name);
    const old = new Map(await Promise.all(names.map(async (name) => [name, await inVault(name)] as const)));
    const report = await run(rotating("all"), go("INC-rotate"));
    const units = UNITS.filter(({ kind }) => kind !== "partner");
    expect(report.steps.map(({ id, how }: any) => [id, how])).toEqual(units.map(({ id }) => [id, "done"]));
    for (const { entries } of units)
      for (const { name } of entries) expect([name, await inVault(name)]).not.toEqual([name, old.get(name)]);
    for (const role of ["api", "migration", "backup", "monitoring"]) {
      expect(await signsIn(`${role}_weu`, OLD)).toMatch(/password authentication failed/);
      expect(await signsIn(`${role}_weu`, (await inVault(`database-${role}-password`)) ?? "")).toBe(true);
      // Each region has passwords of its own: one vault that leaks does not open the other region.
      expect(await inVault(`database-${role}-password`, NORTH)).not.toBe(
        await inVault(`database-${role}-password`),
      );
    }
    expect(await signsIn("chief", "not-a-real-one-0")).toMatch(/password authentication failed/);
    expect(await inVault("session-secret", NORTH)).toBe(await inVault("session-secret"));
    await laptop.writes(3);
    expect(await laptop.missing()).toEqual([]);
    expect(report.commit[0]).toMatch(/forma3d:vault\.secretsIssued: "20\d\d-/);
    expect(said.join("\n")).toMatch(
      /not rotated, because nobody hands their new values in: shopify, simplyprint, sendcloud/,
    );
    expect(fs.readFileSync(report.journal, "utf8")).not.toContain(await inVault("session-secret"));
  }, 120_000);

  test("with the administrator's password of before it finds the new one in the vault, and that all is so already", async () => {
    const stale = { ...laptop.ground, database: laptop.database() };
    const report = await run(rotating("all", {}, stale), go("INC-rotate"));
    expect(report.steps.filter(({ how }: any) => how !== "found")).toEqual([]);
  }, 30_000);

  test("a partner's value that its API does not take is rolled back, and one that works stays", async () => {
    laptop.partners = { simplyprint: "the-good-one" };
    const before = await inVault("simplyprint-api-key");
    const giving = (value: string): Partial<RotateChoice> => ({
      supply: { untested: false, value: () => Promise.resolve(value) },
      offered: () => true,
    });
    const quick = { ...laptop.ground, now: () => new Date() };
    await expect(
      run(bounded(rotating(["simplyprint-api-key"], giving("a-bad-one"), quick), 8), go("INC-bad")),
    ).rejects.toThrow(/simplyprint: .*; it was rolled back: the value of before is in force everywhere/);
    expect(await inVault("simplyprint-api-key")).toBe(before);
    const report = await run(rotating(["simplyprint-api-key"], giving("the-good-one")), go("INC-good"));
    expect(await inVault("simplyprint-api-key")).toBe("the-good-one");
    expect(report.notes).toEqual(["revoke the old keys at simplyprint: here nothing uses them any more"]);
    expect(report.commit).toEqual([]);
  }, 90_000);

  test("a login whose pods do not come back is rolled back in vaults and database", async () => {
    const before = await inVault("database-api-password");
    const breaking: Ground = {
      ...laptop.ground,
      cluster: (name) => ({
        ...laptop.ground.cluster(name),
        restart: (namespace, deployment, marks) =>
          Object.values(marks).some((mark) => mark?.endsWith(".back"))
            ? laptop.ground.cluster(name).restart(namespace, deployment, marks)
            : Promise.reject(new Error("the pods do not start")),
      }),
    };
    await expect(run(rotating(["database-api-url"], {}, breaking), go("INC-pods"))).rejects.toThrow(
      /database-api: the pods do not start; it was rolled back/,
    );
    expect(await inVault("database-api-password")).toBe(before);
    expect(await signsIn("api_weu", before ?? "")).toBe(true);
    await laptop.writes(3);
  }, 60_000);

  test.each([
    ["a name that is none", ["mars"], {}, /"mars" is no secret of the catalogue; allowed: database-admin, /],
    [
      "a key that stored data needs",
      ["shopify-token-encryption-key"],
      {},
      /what is stored under it would be unreadable/,
    ],
    [
      "a value of the configuration",
      ["smtp-password"],
      {},
      /is kept in the stack's configuration; the way is: /,
    ],
    ["a partner without anybody to type", ["sendcloud"], {}, /sendcloud: nobody is here to type a new value/],
  ])("refused: %s", async (_name, secrets, more, message) => {
    await expect(run(rotating(secrets, more), go("INC-refused"))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  test("refused: a partner's value nobody can test, without --untested; a vault that cannot be read", async () => {
    const mute = { ...laptop.ground, document: () => Promise.reject(new Error("503, and no JSON")) };
    const offered = { offered: () => true };
    await expect(run(rotating(["sendcloud"], offered, mute), go("INC-u"))).rejects.toThrow(
      /sendcloud: its new value could not be tested \(503, and no JSON\); --untested takes it/,
    );
    const shut = {
      ...laptop.ground,
      vaults: { ...laptop.ground.vaults, read: () => Promise.reject(new Error("Forbidden")) },
    };
    await expect(run(rotating(["session-secret"], {}, shut), go("INC-v"))).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(
        /kv-shop-weu: session-secret cannot be read \(Forbidden\); it could not be rolled back/,
      ),
    });
  });
});

/** The verb, killed at one of its steps: before that did anything, or when it had and nobody had heard of it yet. */
function killed(verb: Verb, at: number, when: "before" | "after"): Verb {
  return {
    ...verb,
    async plan(incident) {
      const plan = await verb.plan(incident);
      const steps = plan.steps.map((step, index) =>
        index === at
          ? {
              ...step,
              run: async (signal: AbortSignal) => {
                if (when === "after") await step.run(signal);
                throw new Error(`killed at ${step.id}`);
              },
            }
          : step,
      );
      return { ...plan, steps };
    },
  };
}

/** The verb with less time for each of its steps. */
function bounded(verb: Verb, seconds: number): Verb {
  return {
    ...verb,
    plan: async (incident) => {
      const plan = await verb.plan(incident);
      return { ...plan, steps: plan.steps.map((step) => ({ ...step, bound: seconds })) };
    },
  };
}
