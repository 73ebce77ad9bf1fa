import fs from "node:fs";
import path from "node:path";
import { announce, announcement } from "../../apps/operations/announce";
import type { Verb } from "../../apps/operations/frame/operate";
import type { Step } from "../../apps/operations/frame/steps";
import type { Ground } from "../../apps/operations/ground/types";
import { failover } from "../../apps/operations/failover";
import { dropRestored, pitr } from "../../apps/operations/pitr";
import {
  preflight,
  readinessCode,
  readinessMetrics,
  renderReadiness,
  type Readiness,
} from "../../apps/operations/readiness";
import { customRole } from "../../apps/operations/rights";
import type { RotateChoice } from "../../apps/operations/rotate";
import { UNITS } from "../../apps/operations/rotate/units";
import { renderStatus, status, statusCode } from "../../apps/operations/status";
import { lookUp, ok } from "../../apps/operations/status/findings";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { leadAside, leadBack } from "../../apps/operations/switches/services";
import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import type { Incident } from "../../infra/statusPage/incidents";
import { killed } from "./killed";
import { Laptop, NORTH, OLD, WEST } from "./laptop";
import { go, Typing } from "./typing";

let laptop: Laptop;
let typing: Typing;

beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(3);
}, 180_000);
afterAll(() => laptop.close());
beforeEach(() => {
  typing = new Typing(laptop);
});

const around: Typing["around"] = (more) => typing.around(more);
const run: Typing["run"] = (...typed) => typing.run(...typed);
const ask: Typing["ask"] = (address) => typing.ask(address);
const look: Typing["look"] = (ground) => typing.look(ground);
const finding: Typing["finding"] = (id) => typing.finding(id);
const rotating: Typing["rotating"] = (...choice) => typing.rotating(...choice);
const signsIn: Typing["signsIn"] = (...login) => typing.signsIn(...login);
const inVault: Typing["inVault"] = (...secret) => typing.inVault(...secret);

describe("status", () => {
  test("says what it found, why it does not know the rest, and asks for attention", async () => {
    await typing.answers("/health/ready", 200);
    const findings = await look();
    const text = (id: string) => findings.find((one) => one.id === id)?.text;
    expect(text("serving")).toBe(
      "westeurope (psql-shop-weu); psql-shop-weu: Primary, psql-shop-neu: AsyncReplica",
    );
    expect(text("replication")).toMatch(/^psql-shop-neu is \d+ bytes behind; lost now: /);
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

  test("a stack file that contradicts who serves", async () => {
    const [west, north] = laptop.platform.regions as [typeof WEST, typeof NORTH];
    const regions = [
      { ...west, role: "standby" as const },
      { ...north, role: "serving" as const },
    ];
    const findings = await status({ ...laptop.platform, regions }, laptop.ground, laptop.folder);
    const text = (id: string) => findings.find((one) => one.id === id)?.text;
    expect(text("serving")).toMatch(/the stack file says northeurope serves: commit who does/);
  });
});

describe("maintenance", () => {
  test("on: 503 with Retry-After, webhooks included, health checks stay; off: all answers again", async () => {
    const plan = await run(typing.on(), { dryRun: true });
    expect(plan.steps.map(({ id }: Step) => id)).toEqual(["page", "entry", "answers"]);
    expect((await ask("/webhooks")).status).not.toBe(503);
    await run(typing.on(), {}, { ask: () => Promise.resolve("shop") });
    for (const address of ["/webhooks", "/"])
      expect(await ask(address)).toEqual({
        status: 503,
        retry: "600",
        text: expect.stringMatching(/maintained/),
      });
    expect(await ask("/health/ready")).toMatchObject({ status: 200, text: "the API itself" });
    expect(await finding("switches")).toMatchObject({
      state: "attention",
      text: expect.stringMatching(/^aks-shop-weu: maintenance \(.*; maintenance off ends it$/),
    });
    const again = await run(typing.on(), go("INC-again"));
    expect(again.steps.map(({ how }: { how: string }) => how)).toEqual(["found", "found", "found"]);
    await run(typing.off(), go("INC-off"));
    expect((await ask("/health/ready")).text).toBe("");
    expect(await finding("switches")).toMatchObject({ state: "ok" });
  }, 180_000);

  test("refused: the wrong name, a contained platform, no cluster that serves, two that do", async () => {
    await expect(run(typing.on(), {}, { ask: () => Promise.resolve("prod") })).rejects.toThrow(
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

  test("a region that was left and is back has its pods still: the page goes to the one a failover named", async () => {
    const { ground, platform } = laptop;
    const both: Ground = {
      ...ground,
      cluster: (name) => ({
        ...ground.cluster(name),
        deployments: async (namespace) =>
          (await ground.cluster(name).deployments(namespace)).map((one) => ({
            ...one,
            ...{ replicas: 1, annotations: {} },
          })),
      }),
    };
    const said = (...regions: (string | undefined)[]): Ground => ({
      ...both,
      serving: {
        ...ground.serving!,
        look: () =>
          Promise.resolve(
            regions.map((serving, index) => ({
              place: `account ${index}`,
              ...(serving === undefined
                ? { silent: "lost" }
                : { record: { serving, term: 2, since: "2026-11-01T00:00:00Z" } }),
            })),
          ),
      },
    });
    const where = async (own: Ground) =>
      (await maintenance(platform, own, { on: true, retryAfterSeconds: 60 }).plan("INC-where")).facts.join();
    expect(await where(said(NORTH.location, NORTH.location, WEST.location))).toMatch(/aks-shop-neu/);
    expect(await where(said(undefined, WEST.location, WEST.location))).toMatch(/aks-shop-weu/);
    await expect(where(said(undefined, undefined, NORTH.location))).rejects.toThrow(/both serve/);
  });
});

describe("contain and reopen", () => {
  test("cuts off, keeps the logs, and one command is the exact way back", async () => {
    const before = await laptop.snapshot();
    await run(typing.contain(), go("INC-breach"));
    expect((await ask("/")).status).toBe(404);
    expect(laptop.endpointState()).toBe("Disabled");
    expect(await signsIn("api_weu", OLD)).toMatch(/not permitted to log in/);
    const evidence = () =>
      fs.readdirSync(laptop.folder).filter((name) => name.startsWith("INC-breach-evidence-"));
    const [kept = ""] = evidence();
    const sums = fs.readFileSync(path.join(laptop.folder, kept, "SHA256SUMS"), "utf8");
    expect(sums).toMatch(/ activity\.json\n[\s\S]* aks-shop-weu-api-[\w-]+-api\.log\n/);
    expect(await finding("switches")).toMatchObject({
      state: "attention",
      text: expect.stringMatching(/contain \(INC-breach\)/),
    });
    expect((await finding("fences")).text).toMatch(/contained: api_weu, backup_weu/);

    await expect(run(typing.contain(), go("INC-other"))).rejects.toThrow(/contained already, by INC-breach/);
    for (const [{ location }, before] of [
      [NORTH, ["logins", "catch-up"]],
      [WEST, []],
    ] as const) {
      const plan = await run(failover(laptop.platform, laptop.ground, { to: location }), { dryRun: true });
      expect(plan).toMatchObject({ contained: "INC-breach" });
      const ids = plan.steps.map(({ id }: Step) => id);
      // Neither pods nor names nor a backup, which would need a login.
      expect(ids).toEqual([...before, "promote", "fence", "workloads", "partners"]);
    }
    await expect(run(typing.on(), go("INC-m"))).rejects.toThrow(/is contained: reopen leads its names back/);
    await expect(run(typing.reopen(false), go("INC-r"))).rejects.toThrow(
      /secrets from before the containment: session-secret, .*; rotate shop --all/,
    );
    await run(typing.reopen(), go("INC-r"));
    // Contained once more the same incident has evidence of its own, though no store takes a copy of it, and the disk is full: the
    // administrator's transactions write nothing by default, as on a server Azure has made read-only.
    await laptop.sql("ALTER ROLE chief SET default_transaction_read_only = on");
    await expect(laptop.sql("CREATE TABLE full_disk ()")).rejects.toThrow(/read-only transaction/);
    const copy = { place: "nowhere", write: () => Promise.reject(new Error("the blob is there already")) };
    const later = { ...laptop.ground, now: () => new Date(Date.now() + 3_600_000) };
    await run(contain(laptop.platform, later, around({ copy })), go("INC-breach"));
    expect(await signsIn("api_weu", OLD)).toMatch(/not permitted to log in/);
    await laptop.sql("BEGIN READ WRITE; ALTER ROLE chief RESET default_transaction_read_only; COMMIT");
    expect(evidence()).toHaveLength(2);
    expect(typing.said.join("\n")).toMatch(
      /warning: activity\.json could not be copied to nowhere: the blob is there already/,
    );
    await run(typing.reopen(), go("INC-r"));
    await laptop.writes(3);
    expect(await laptop.snapshot()).toEqual(before);
    expect(await signsIn("api_weu", OLD)).toBe(true);
  }, 180_000);

  test("refused where no role of a region could be shut", async () => {
    const regions = laptop.platform.regions.map((region) => ({ ...region, code: "xyz" }));
    const verb = contain({ ...laptop.platform, regions }, laptop.ground, around());
    await expect(run(verb, go("INC-x"))).rejects.toThrow(/no login role of a region \(…_xyz, …_xyz\)/);
  });
});

describe("preflight", () => {
  const check = (readiness: Readiness, id: string) => readiness.checks.find((one) => one.id === id);

  test("each check passes, fails with what to do, or says why it was not run; status tells of it", async () => {
    laptop.hold(customRole("preflight", laptop.platform));
    const readiness = await preflight(laptop.platform, laptop.ground, laptop.folder);
    const of = (status: string) =>
      readiness.checks.filter((one) => one.status === status).map(({ id }) => id);
    expect(of("PASS")).toEqual([
      "replication",
      "reader",
      "symmetry",
      "fences",
      "standby",
      "private-links",
      "quota",
      "sizes",
      "images",
      "operator-roles",
      "edge-group",
      "front-door",
      "public-names",
      "vaults",
      "secret-life",
      "certificates",
    ]);
    // Nobody has filled in a telephone number: that alone is no readiness.
    expect(of("FAIL")).toEqual(["contacts"]);
    expect(of("NOT_RUN")).toEqual(["incident-store", "backups"]);
    for (const { status: is, text, todo } of readiness.checks) {
      expect(text).not.toBe("");
      expect(todo === undefined).toBe(is === "PASS");
    }
    expect(readinessCode(readiness)).toBe(1);
    expect((await finding("readiness")).text).toMatch(
      /^16 of 19 checks pass, \d+ s ago; contacts FAIL; incident-store NOT_RUN/,
    );
    expect(renderReadiness(readiness)).toMatch(
      /FAIL {5}contacts .*not filled in: .*\n +do: fill in docs\/incident/,
    );
    const metrics = readinessMetrics(readiness);
    expect(metrics).toContain('forma3d_readiness_pass{stack="shop",check="vaults"} 1\n');
    expect(metrics).toContain('forma3d_readiness_pass{stack="shop",check="contacts"} 0\n');
    expect(metrics).toContain('forma3d_readiness_not_run{stack="shop",check="backups"} 1\n');
    expect(metrics.endsWith("\n")).toBe(true);
  });

  test("a region that stands by and is still shut by a containment, which a failover to it would refuse", async () => {
    const { ground, platform } = laptop;
    const north = { region: NORTH, cluster: ground.cluster(NORTH.cluster) };
    laptop.hold(customRole("operator", platform));
    await leadAside(platform, north, { by: "contain", incident: "INC-shut" }, { nobody: "here" });
    laptop.hold(customRole("preflight", platform));
    const readiness = await preflight(platform, ground, laptop.folder);
    laptop.hold(customRole("operator", platform));
    await leadBack(platform, north);
    expect(check(readiness, "standby")).toMatchObject({
      status: "FAIL",
      text: expect.stringMatching(/aks-shop-neu is shut by INC-shut$/),
      todo: expect.stringMatching(/reopen what a containment shut/),
    });
  });

  test("vaults that differ, a secret near its end, a link nobody approved, servers of two sizes, no quota", async () => {
    const { ground, platform } = laptop;
    const soon = new Date(Date.now() + 86_400_000);
    const behind = { database: "shop", target: "northeurope", problems: ["lacks 2 backups"] };
    const worse: Ground = {
      ...ground,
      image: () => Promise.resolve("missing"),
      records: {
        ...ground.records,
        backups: () => Promise.resolve([behind]),
        openIncidents: () => Promise.resolve([]),
      },
      edge: () => Promise.resolve({ status: 503 }),
      vaults: {
        ...ground.vaults,
        list: async (vault) => {
          const all = new Map(await ground.vaults.list(vault));
          all.set("session-secret", { enabled: true, expires: soon, tags: {} });
          all.delete("backup-decryption-keys");
          if (vault === WEST.vault)
            all.set("internal-api-key", { enabled: true, tags: { "forma3d-rotation": "INC-1" } });
          return all;
        },
        read: async (vault, secret) => ({
          ...(await ground.vaults.read(vault, secret))!,
          ...(secret === "session-secret" && { value: vault }),
        }),
      },
      resources: {
        ...ground.resources,
        get: async (id, version) => {
          const found = await ground.resources.get(id, version);
          if (id.endsWith(`/${platform.edge.resourceGroup}`)) return { ...found, location: NORTH.location };
          return id.includes("/flexibleServers/")
            ? { ...found, sku: { name: id.endsWith("weu") ? "Standard_D4ds_v5" : "Standard_D2ds_v5" } }
            : found;
        },
        list: async (id, version, query) => {
          if (id.endsWith("/usages"))
            return [{ name: { value: "cores" }, currentValue: 90, limit: 100 } as never];
          if (id.endsWith("/skus"))
            return [
              {
                name: "Standard_D4ds_v5",
                resourceType: "virtualMachines",
                restrictions: [{ type: "Location", reasonCode: "NotAvailableForSubscription" }],
              } as never,
            ];
          const found = await ground.resources.list(id, version, query);
          return found.map((one) => ({
            ...one,
            properties: { ...one.properties, sharedPrivateLinkResource: { status: "Pending" } },
          }));
        },
      },
    };
    const [looks, reads] = [customRole("preflight", platform), customRole("rotator", platform)];
    laptop.hold({ Actions: looks.Actions, DataActions: [...looks.DataActions, ...reads.DataActions] });
    const compared = await preflight(platform, worse, laptop.folder, { values: true });
    expect(check(compared, "vaults")).toMatchObject({
      status: "FAIL",
      text: expect.stringMatching(/session-secret differs/),
    });
    laptop.hold(customRole("preflight", platform));
    const readiness = await preflight(platform, worse, laptop.folder);
    expect(check(readiness, "vaults")?.text).toMatch(
      /internal-api-key was renewed in one vault only; .*backup-decryption-keys is missing in kv-shop-weu and kv-shop-neu/,
    );
    expect(check(readiness, "secret-life")?.text).toMatch(/kv-shop-weu\/session-secret ends in 24\.0 h/);
    expect(check(readiness, "private-links")?.text).toMatch(/api\/northeurope is Pending/);
    expect(check(readiness, "symmetry")?.text).toMatch(
      /they differ: .*D2ds.*; .*D4ds|they differ: .*D4ds.*; .*D2ds/,
    );
    expect(check(readiness, "quota")).toMatchObject({
      status: "FAIL",
      text: "10 of 100 cores free in northeurope, 18 needed at work",
    });
    for (const [id, told] of [
      ["sizes", /Standard_D4ds_v5 is restricted in northeurope: NotAvailableForSubscription/],
      ["images", /registry\.example\/shop\/api: missing/],
      ["backups", /northeurope: lacks 2 backups/],
      ["public-names", /answers 503/],
      ["edge-group", /rg-shop-global lies in northeurope: while that region is lost/],
    ] as const)
      expect([id, check(readiness, id)]).toEqual([
        id,
        expect.objectContaining({ status: "FAIL", text: expect.stringMatching(told) }),
      ]);
    expect(check(readiness, "incident-store")).toMatchObject({ status: "PASS" });
  });
});

describe("rights of operators, before they are needed", () => {
  test("a role that lacks a right, one that is gone, one nobody may take", async () => {
    const { cloud } = laptop.cloud;
    const of = (role: string) =>
      [...cloud.all()].find(({ inputs }) => inputs["roleName"] === `Forma3D ${role} shop`)!;
    const before = cloud.snapshot();
    const { inputs, ...operator } = of("operator");
    const [permission] = inputs["permissions"] as unknown as [{ actions: string[] }];
    const actions = permission.actions.filter((one) => !one.endsWith("flexibleServers/write"));
    const fewer = { ...inputs, permissions: [{ ...permission, actions }] };
    cloud.put({ ...operator, inputs: fewer, outputs: fewer });
    cloud.remove(of("restorer").key);
    for (const { type, key, inputs: own } of [...cloud.all()])
      if (type.endsWith(":RoleAssignment") && own["roleDefinitionId"] === of("rotator").id) cloud.remove(key);
    const readiness = await preflight(laptop.platform, laptop.ground, laptop.folder);
    expect(readiness.checks.find(({ id }) => id === "operator-roles")?.text).toBe(
      "5 roles are as derived, and held; Forma3D operator shop lacks Microsoft.DBforPostgreSQL/flexibleServers/write; there is no role Forma3D restorer shop; nobody holds Forma3D rotator shop or may take it",
    );
    cloud.restore(before);
  }, 180_000);
});

describe("announce", () => {
  const identified = { phase: "identified", service: "API Health", hours: 2 } as const;
  const say = (given: Parameters<typeof announcement>[0]) =>
    announce(laptop.platform, laptop.ground, announcement(given, new Date()));

  test("the page outside the cluster shows the report's words, and the commit keeps them", async () => {
    const report = await run(say(identified), {}, { ask: () => Promise.resolve("shop") });
    const page = (await laptop.ground.document("https://x.azurecontainerapps.io/api/v1/config")) as any;
    expect(page.announcements[0]).toMatchObject({
      type: "outage",
      message: expect.stringMatching(/^\*\*Identified: API Health Outage\*\* .*resolution: 2 hours$/),
    });
    expect(report.commit[1]).toMatch(
      /record shop 'statusPage\.incidents\^=\{"phase":"identified","service":"API Health","hours":2/,
    );
  });

  test("one incident has a message for each phase: the next one is published, and the same one only once", async () => {
    const shows = async () =>
      ((await laptop.ground.document("https://x.azurecontainerapps.io/api/v1/config")) as any)
        .announcements[0].message;
    const investigating = { phase: "investigating", service: "API Health" } as const;
    const reports = [];
    for (const said of [investigating, identified, identified]) {
      reports.push(await run(say(said), go("INC-phases")));
      expect(await shows()).toContain(said === investigating ? "Investigating" : "Identified");
    }
    expect(reports.map(({ steps }) => steps[0].how)).toEqual(["done", "done", "found"]);
  });

  test.each([WEST, NORTH])("customers are told while $location is lost", async ({ location }) => {
    const { losses } = laptop.cloud;
    await losses.lose(location);
    try {
      const monitoring = { phase: "monitoring", service: "API Health" } as const;
      const report = await run(say(monitoring), go(`INC-told-${location}`));
      expect(report.outcome).toMatch(/customers read: Monitoring: API Health Restored/);
    } finally {
      await losses.restore(location);
    }
  });

  test.each<[string, Omit<Incident, "at">, RegExp]>([
    [
      "a phase that is none",
      { ...identified, phase: "worse" as never },
      /--phase worse: allowed: investigating, /,
    ],
    ["a service that is none", { ...identified, service: "mars" }, /--service "mars": allowed: API Health, /],
    [
      "no hours once it is identified",
      { ...identified, hours: undefined },
      /identified: missing hours: give --hours/,
    ],
    [
      "hours of what is over",
      { phase: "resolved", service: "API Health", hours: 2 },
      /--hours 2 with --phase resolved: allowed: nothing: it is resolved/,
    ],
    [
      "a postmortem before it is over",
      { ...identified, postmortem: "https://status.example/1" },
      /--postmortem https:\/\/status\.example\/1 with --phase identified: allowed: nothing before it is resolved/,
    ],
    ...[
      "javascript:alert(1)",
      "see [here](https://a.example)\n# loud",
      "http://localhost/",
      `https://a.example/${"a".repeat(300)}`,
    ].map((postmortem): [string, Omit<Incident, "at">, RegExp] => [
      `a postmortem at ${postmortem.slice(0, 20)}`,
      { phase: "resolved", service: "API Health", postmortem },
      /^--postmortem ".*": allowed: an https address everybody can open, of 300 characters at most$/,
    ]),
  ])("refused: %s", (_name, given, message) => {
    expect(() => say(given)).toThrow(message);
  });

  test("refused: no page; one that cannot be asked", async () => {
    const none = { ...laptop.platform, statusPage: { ...laptop.platform.statusPage, app: "ca-none" } };
    const said = announcement(identified, new Date());
    await expect(run(announce(none, laptop.ground, said), go("INC-none"))).rejects.toThrow(
      /there is no page ca-none/,
    );
    const resources = { ...laptop.ground.resources, get: () => Promise.reject(new Error("throttled")) };
    const verb = announce(laptop.platform, { ...laptop.ground, resources }, said);
    await expect(run(verb, go("INC-t"))).rejects.toMatchObject({ exitCode: 3 });
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
    expect(report.commit[1]).toMatch(/record shop 'vault\.secretsIssued=20\d\d-\d\d-\d\d'/);
    expect(typing.said.join("\n")).toMatch(
      /not rotated, because nobody hands their new values in: shopify, simplyprint, sendcloud/,
    );
    expect(fs.readFileSync(report.journal, "utf8")).not.toContain(await inVault("session-secret"));
  }, 180_000);

  test("with the administrator's password of before it finds the new one in the vault, and that all is so already", async () => {
    const stale = { ...laptop.ground, database: laptop.database() };
    const report = await run(rotating("all", {}, stale), go("INC-rotate"));
    expect(report.steps.filter(({ how }: any) => how !== "found")).toEqual([]);
  }, 180_000);

  test("killed when the vaults have the administrator's password and the server does not, with DATABASE_URL from the vault", async () => {
    const user = new AbortController();
    let left = 2 * UNITS.at(-1)!.entries.length;
    const { vaults } = laptop.ground;
    const dying: Ground = {
      ...laptop.ground,
      vaults: {
        ...vaults,
        async write(vault, secret, version) {
          await vaults.write(vault, secret, version);
          if (--left === 0) user.abort(new Error("killed"));
          user.signal.throwIfAborted();
        },
      },
    };
    await expect(
      run(rotating(["database-admin"], {}, dying), go("INC-admin"), { signal: user.signal }),
    ).rejects.toThrow(/killed/);
    const held = (await inVault("database-admin-password")) ?? "";
    expect(await signsIn("chief", held)).toMatch(/password authentication failed/);
    const typedAgain = { ...laptop.ground, database: laptop.database(held) };
    const report = await run(rotating(["database-admin"], {}, typedAgain), go("INC-admin"));
    expect(report.steps.map(({ id }: any) => id)).toEqual(["administrator", "database-admin"]);
    const now = (await inVault("database-admin-password")) ?? "";
    expect(await signsIn("chief", now)).toBe(true);
    laptop.ground.database.useAdministrator(now);
  }, 180_000);

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
  }, 180_000);

  test("a login whose pods do not come back is rolled back in vaults and database, which do not answer at once", async () => {
    const before = await inVault("database-api-password");
    const lost = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    const unheard = new Set<string>();
    /** From the failure on, what is asked first is not heard. */
    const unlessUnheard = <T>(what: string, ask: () => Promise<T>): Promise<T> =>
      unheard.delete(what) ? Promise.reject(lost) : ask();
    const { vaults, cluster } = laptop.ground;
    const breaking: Ground = {
      ...laptop.ground,
      vaults: { ...vaults, write: (...of) => unlessUnheard("vault", () => vaults.write(...of)) },
      cluster: (name) => ({
        ...cluster(name),
        deployments: (namespace) => unlessUnheard(name, () => cluster(name).deployments(namespace)),
        restart: (namespace, deployment, marks) => {
          if (Object.values(marks).some((mark) => mark?.endsWith(".back")))
            return cluster(name).restart(namespace, deployment, marks);
          for (const what of ["vault", WEST.cluster, NORTH.cluster]) unheard.add(what);
          return Promise.reject(new Error("the pods do not start"));
        },
      }),
    };
    await expect(run(rotating(["database-api-url"], {}, breaking), go("INC-pods"))).rejects.toThrow(
      /database-api: the pods do not start; it was rolled back/,
    );
    expect(unheard.size).toBe(0);
    expect(await inVault("database-api-password")).toBe(before);
    expect(await signsIn("api_weu", before ?? "")).toBe(true);
    await laptop.writes(3);
  }, 180_000);

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

describe("pitr", () => {
  const at = (moment: Date, extract: string[] = []) =>
    pitr(laptop.platform, laptop.ground, { at: moment, extract });
  const count = async (condition = "true") =>
    Number((await laptop.sql(`SELECT count(*) FROM public.marker WHERE ${condition}`))[0].count);

  test("rows deleted by mistake come back from a real restore, killed at every step; what was written since stays", async () => {
    await laptop.sql("SET ROLE migration; ALTER TABLE public.marker ADD COLUMN note text");
    await laptop.writes(5);
    const kept = await count("id <= 5");
    const [{ now }] = await laptop.sql("SELECT clock_timestamp() AS now");
    await laptop.writes(3);
    // Of what was there at the moment, some is gone, and one row is another.
    await laptop.sql(
      "SET ROLE migration; DELETE FROM public.marker WHERE id <= 5; UPDATE public.marker SET note = 'late' WHERE id = 6",
    );
    await laptop.writes(3);
    const verb = () => at(now, ["public.marker"]);
    const steps: Step[] = (await run(verb(), { dryRun: true, incident: "INC-pitr" })).steps;
    expect(steps.map(({ id }) => id)).toEqual(["restore", "endpoint", "sign-in", "check", "extract"]);
    expect(await count("id <= 5")).toBe(0);
    for (const index of steps.keys())
      await run(killed(verb(), index, "after"), go("INC-pitr")).catch((error: Error) =>
        expect(error.message).toMatch(/killed at /),
      );
    const report = await run(verb(), go("INC-pitr"));
    expect(await count("id <= 5")).toBe(kept);
    expect(await laptop.missing()).toEqual([]);
    const counted = report.counts.find(({ table }: any) => table === "public.marker");
    expect(counted.now).toBeGreaterThan(counted.then);
    // Told, although the run that brought the rows back was killed before it could.
    expect(report.differing).toEqual([{ table: "public.marker", rows: 1, taken: 0 }]);
    // The next backup reads what is beside the live tables, and a restore elsewhere knows whose it is; the API has no part in it.
    const [beside] = await laptop.sql(
      `SELECT bool_and(has_schema_privilege('backup', n.oid, 'USAGE') AND has_table_privilege('backup', c.oid, 'SELECT')) AS dumped,
              array_agg(DISTINCT c.relowner::regrole::text || ' ' || n.nspowner::regrole::text) AS owners,
              bool_or(has_schema_privilege('api', n.oid, 'USAGE')) AS api
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'restored_inc_pitr'`,
    );
    expect(beside).toEqual({ dumped: true, owners: ["migration migration"], api: false });
    await expect(run(verb(), go("INC-other"))).rejects.toThrow(
      /psql-shop-weu-pitr is there already, made by INC-pitr; pitr --drop takes it away/,
    );
    await run(dropRestored(laptop.platform, laptop.ground), go("INC-drop"));
    expect(laptop.servers.names).not.toContain("psql-shop-weu-pitr");
  }, 180_000);

  test("refused: moments outside the window, a table that is none, one without a key", async () => {
    const past = new Date("2020-01-01T00:00:00Z");
    const future = new Date(Date.now() + 3_600_000);
    for (const moment of [past, future])
      await expect(run(at(moment), go("INC-window"))).rejects.toThrow(
        /outside what can be restored, 20.* to 20/,
      );
    const now = new Date(Date.now() - 1000);
    await expect(run(at(now, ["mars"]), go("INC-mars"))).rejects.toThrow(
      /--extract mars: there is no such table/,
    );
    await laptop.sql("SET ROLE migration; CREATE TABLE public.keyless (id int)");
    await expect(run(at(now, ["keyless"]), go("INC-key"))).rejects.toThrow(/keyless: it has no primary key/);
    await laptop.sql("CREATE SCHEMA other; CREATE TABLE other.marker (id int PRIMARY KEY)");
    await expect(run(at(now, ["public.marker", "other.marker"]), go("INC-two"))).rejects.toThrow(
      /--extract other.marker: another of these tables is called marker too/,
    );
  });
});

// `contain`, `reopen` and `rotate` so: `verbs.long.test.ts`.
describe("killed at every step, and typed again", () => {
  const said = announcement({ phase: "monitoring", service: "API Health" }, new Date());
  const cases: [string, () => Verb, () => Promise<unknown>][] = [
    [
      "announce",
      () => announce(laptop.platform, laptop.ground, said),
      async () => expect(await text()).toContain(said.service),
    ],
    ["maintenance on", () => typing.on(), async () => expect((await ask("/webhooks")).status).toBe(503)],
    ["maintenance off", () => typing.off(), () => typing.answers("/health/ready", 200)],
  ];
  const text = async () =>
    JSON.stringify(await laptop.ground.document("https://x.azurecontainerapps.io/api/v1/config"));

  test.each(cases)(
    "%s",
    async (name, verb, so) => {
      await typing.killedEverywhere(verb, `INC-killed-${name.replace(" ", "-")}`);
      await so();
    },
    180_000,
  );
});

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
