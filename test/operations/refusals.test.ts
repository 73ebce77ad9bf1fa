import { judgeServing } from "../../apps/gates/serving";
import { announce, announcement } from "../../apps/operations/announce";
import { failover } from "../../apps/operations/failover";
import { leaseName, takeLocalLease } from "../../apps/operations/frame/lease";
import { operate, type Verb } from "../../apps/operations/frame/operate";
import type { AzureResource, ClusterGround, Ground } from "../../apps/operations/ground/types";
import { dropRestored, pitr } from "../../apps/operations/pitr";
import { adopt } from "../../apps/operations/pitr/adopt";
import { assess, MADE_BY, MOMENT } from "../../apps/operations/pitr/assess";
import { Succession } from "../../apps/operations/pitr/succession";
import type { Platform } from "../../apps/operations/platform";
import { customRole, roleOf, type VerbName } from "../../apps/operations/rights";
import { rotate } from "../../apps/operations/rotate";
import { contain } from "../../apps/operations/switches/contain";
import { maintenance } from "../../apps/operations/switches/maintenance";
import { reopen } from "../../apps/operations/switches/reopen";
import { leadAside, leadBack } from "../../apps/operations/switches/services";
import { Laptop, NORTH, WEST } from "./laptop";
import { WITNESS } from "./laptop/regions";

/*
 * What each verb refuses beside what stands with it in failover.test.ts and verbs.test.ts: on a real ground with one thing of it
 * wrong, by exit code and words, and with nothing changed.
 */

let laptop: Laptop;
beforeAll(async () => {
  laptop = await Laptop.open();
  await laptop.writes(3);
});
afterAll(() => laptop.close());

const quiet = () => ({
  now: () => new Date(),
  signal: new AbortController().signal,
  say: () => undefined,
  folder: laptop.folder,
});
const typed = (verb: Verb) => {
  const name = verb.name === "pitr-adopt" ? "pitr --adopt" : (verb.name.split("-")[0] as VerbName);
  laptop.hold(customRole(roleOf(name), laptop.platform));
  return operate(verb, { yes: true, incident: "INC-refused" }, quiet());
};

/** The ground with one thing of it otherwise. */
type Wrong = (ground: Ground) => Partial<Ground>;
const clusters =
  (change: (own: ClusterGround, name: string) => Partial<ClusterGround>): Wrong =>
  (ground) => ({
    cluster: (name) => ({ ...ground.cluster(name), ...change(ground.cluster(name), name) }),
  });
const resource =
  (part: string, answer: (found: AzureResource | undefined) => AzureResource | undefined): Wrong =>
  (ground) => ({
    resources: {
      ...ground.resources,
      get: async (id, version) => {
        const found = await ground.resources.get(id, version);
        return id.endsWith(part) ? answer(found) : found;
      },
    },
  });
const rows =
  (change: (row: object) => object): Wrong =>
  ({ database }) => ({
    database: {
      ...database,
      query: async (...asked: unknown[]) =>
        (await (database.query as (...all: unknown[]) => Promise<object[]>)(...asked)).map(change),
    } as Ground["database"],
  });
const silent =
  (host: string): Wrong =>
  ({ database }) => ({
    database: {
      ...database,
      query: (asked, ...rest) =>
        asked === host ? Promise.reject(new Error("no route")) : database.query(asked, ...rest),
    } as Ground["database"],
  });
const same: Wrong = () => ({});
const right = (platform: Platform): Platform => platform;

const moment = () => new Date(Date.now() - 500);
const supply = { untested: false, value: () => Promise.resolve(undefined) };
const VERBS = {
  failover: (platform: Platform, ground: Ground) => failover(platform, ground, { to: NORTH.location }),
  "failover --forced": (platform: Platform, ground: Ground) =>
    failover(platform, ground, { to: NORTH.location, mode: "forced" }),
  "failover --wait-for-silence": (platform: Platform, ground: Ground) =>
    failover(platform, ground, { to: NORTH.location, waitForSilence: true }),
  maintenance: (platform: Platform, ground: Ground) =>
    maintenance(platform, ground, { on: true, retryAfterSeconds: 60 }),
  contain: (platform: Platform, ground: Ground) => contain(platform, ground, quiet()),
  reopen: (platform: Platform, ground: Ground) => reopen(platform, ground, {}),
  rotate: (platform: Platform, ground: Ground) =>
    rotate(platform, ground, { secrets: ["database-api"], supply, offered: () => false }),
  announce: (platform: Platform, ground: Ground) =>
    announce(platform, ground, announcement({ phase: "monitoring", service: "Database" }, new Date())),
  pitr: (platform: Platform, ground: Ground) => pitr(platform, ground, { at: moment(), extract: [] }),
  "pitr --drop": (platform: Platform, ground: Ground) => dropRestored(platform, ground),
  "pitr --adopt": (platform: Platform, ground: Ground) => adopt(platform, ground, { at: moment() }),
  "pitr --adopt of long ago": (platform: Platform, ground: Ground) =>
    adopt({ ...platform, targets: { rpoSeconds: 0, rtoSeconds: 60 } }, ground, { at: moment() }),
};

const oneRegion = ({ regions, ...rest }: Platform): Platform => ({ ...rest, regions: regions.slice(0, 1) });
const swapped = ({ regions, ...rest }: Platform): Platform => ({
  ...rest,
  regions: regions.map((one) => ({ ...one, role: one.role === "serving" ? "standby" : "serving" })),
});
const noService = clusters((own) => ({
  services: async (namespace) => (await own.services(namespace)).filter(({ name }) => name !== "dashboard"),
}));
const westSilent = clusters((_own, name) =>
  name === WEST.cluster ? { deployments: () => Promise.reject(new Error("no route")) } : {},
);
const noneAnswers = clusters(() => ({ deployments: () => Promise.reject(new Error("no route")) }));
const forbidden = clusters(() => ({
  deployments: () => Promise.reject(Object.assign(new Error("deployments is forbidden"), { code: 403 })),
}));
const made = (tags: Record<string, string>): Wrong =>
  resource("/psql-shop-weu-pitr", () => ({ tags, properties: {} }) as AzureResource);

const cases: [keyof typeof VERBS, string, (platform: Platform) => Platform, Wrong, number, RegExp][] = [
  [
    "failover",
    "one region only",
    oneRegion,
    same,
    2,
    /--to northeurope: no region of shop; allowed: westeurope/,
  ],
  [
    "failover",
    "a server nobody may ask about",
    right,
    ({ servers }) => ({ servers: { ...servers, get: () => Promise.reject(new Error("throttled")) } }),
    3,
    /northeurope: its server cannot be asked: throttled/,
  ],
  [
    "failover --wait-for-silence",
    "nobody keeps a record of who calls partners",
    right,
    () => ({ serving: undefined }) as unknown as Partial<Ground>,
    2,
    /--wait-for-silence: shop keeps no record of who may call partners/,
  ],
  [
    "failover --forced",
    "a replica that never had a transaction: the loss has no end",
    right,
    rows((row) =>
      // The bytes that lack are unknown too: the primary does not say.
      "received" in row ? { ...row, last: null } : "behind" in row ? { ...row, behind: 1 } : row,
    ),
    2,
    /up to an unknown number of s of transactions would be lost.*--accept-loss <seconds> goes on/,
  ],
  [
    "failover",
    "a replica whose disk is full",
    right,
    rows((row) => ("readOnly" in row ? { ...row, readOnly: true } : row)),
    2,
    /psql-shop-neu is read-only, as Azure makes a server whose disk is full: give it more storage first/,
  ],
  [
    "maintenance",
    "a public Service is gone",
    right,
    noService,
    2,
    /aks-shop-weu has no Service dashboard in shop/,
  ],
  [
    "maintenance",
    "a right lacks: no cluster is taken for lost",
    right,
    forbidden,
    3,
    /aks-shop-\w+: deployments is forbidden/,
  ],
  ["contain", "no cluster answers", right, noneAnswers, 3, /no cluster answers: .*no route/],
  ["contain", "a right lacks", right, forbidden, 3, /aks-shop-\w+: deployments is forbidden/],
  [
    "reopen",
    "the cluster that serves does not answer",
    right,
    westSilent,
    3,
    /westeurope serves, and cannot be reopened: aks-shop-weu does not answer: no route/,
  ],
  [
    "reopen",
    "nobody may ask for the edge: that is no edge that is lost",
    right,
    ({ resources }) => ({
      resources: {
        ...resources,
        get: () => Promise.reject(Object.assign(new Error("AuthorizationFailed"), { statusCode: 403 })),
      },
    }),
    3,
    /Front Door's endpoint cannot be asked: AuthorizationFailed/,
  ],
  [
    "rotate",
    "a vault lacks the secret",
    right,
    ({ vaults }) => ({ vaults: { ...vaults, read: () => Promise.resolve(undefined) } }),
    3,
    /kv-shop-weu has no secret database-api-password; an update puts it there/,
  ],
  [
    "rotate",
    "the database lacks a login that the vaults have",
    right,
    rows((row) => ("role" in row && row.role === "api_weu" ? { ...row, role: "other_weu" } : row)),
    2,
    /the database has no login role api_weu/,
  ],
  [
    "announce",
    "a page without a public name",
    right,
    resource("/ca-shop-status", (found) => found && { ...found, properties: {} }),
    3,
    /the page ca-shop-status has no public name/,
  ],
  [
    "rotate",
    "a database that does not answer",
    right,
    silent("shop-db.writer.postgres.database.azure.com"),
    3,
    /shop-db\.writer\.\S+ cannot be asked: no route/,
  ],
  [
    "rotate",
    "clusters that do not say what pods have",
    right,
    clusters(() => ({ deployments: () => Promise.reject(new Error("no route")) })),
    3,
    /database-api: the clusters cannot be asked whether they have it: aks-shop-weu does not answer: no route/,
  ],
  [
    "pitr",
    "Azure does not say since when",
    right,
    resource("/psql-shop-weu", (found) => ({ ...found, properties: { backup: {} } })),
    3,
    /Azure does not say from when on psql-shop-weu can be restored/,
  ],
  [
    "pitr",
    "no server is known to be the primary",
    right,
    ({ servers }) => ({ servers: { ...servers, get: () => Promise.reject(new Error("throttled")) } }),
    3,
    /no server is known to be the primary: throttled; throttled/,
  ],
  [
    "pitr",
    "another incident's server is there",
    right,
    made({ [MADE_BY]: "INC-other" }),
    2,
    /psql-shop-weu-pitr is there already, made by INC-other; pitr --drop takes it away/,
  ],
  [
    "pitr",
    "the incident's own server is of another moment",
    right,
    made({ [MADE_BY]: "INC-refused", [MOMENT]: "2026-01-01T00:00:00.000Z" }),
    2,
    /INC-refused made psql-shop-weu-pitr as of 2026-01-01T00:00:00\.000Z; give that, or --drop first/,
  ],
  [
    "pitr --drop",
    "the server beside serves",
    right,
    (ground) => ({
      resources: {
        ...ground.resources,
        // The endpoint stands below the next pair: it was adopted, and nobody has committed that.
        get: async (id, version) =>
          id.endsWith("/flexibleServers/psql-shop-weu-g2") ||
          id.includes("/psql-shop-weu-g2/virtualendpoints/")
            ? { id, properties: {} }
            : ground.resources.get(id, version),
      },
      database: ground.database,
    }),
    2,
    /psql-shop-weu-g2 serves: its pair was adopted; commit that, and take the old pair away instead/,
  ],
  [
    "pitr --drop",
    "nobody says which server serves",
    right,
    ({ resources }) => ({
      resources: {
        ...resources,
        get: (id, version) =>
          id.includes("/virtualendpoints/")
            ? Promise.reject(Object.assign(new Error("throttled"), { statusCode: 429 }))
            : resources.get(id, version),
      },
    }),
    3,
    /where shop-db\.writer\.\S+ leads cannot be asked: throttled/,
  ],
  [
    "pitr --adopt",
    "the stack file says that another region serves",
    swapped,
    same,
    2,
    /psql-shop-weu in westeurope is the primary, and the stack file says that region is standby: commit who serves/,
  ],
  [
    "pitr --adopt",
    "the server that is left cannot be asked",
    right,
    silent(WEST.serverHost),
    3,
    /psql-shop-weu cannot be asked \(no route\): it could not be kept from writing; without it a backup is the way/,
  ],
  [
    "pitr --adopt",
    "a password cannot be read",
    right,
    ({ vaults }) => ({ vaults: { ...vaults, read: () => Promise.reject(new Error("Forbidden")) } }),
    3,
    /the password of \w+ cannot be read: Forbidden/,
  ],
  [
    "pitr --adopt",
    "the vault has no password of a login",
    right,
    ({ vaults }) => ({ vaults: { ...vaults, read: () => Promise.resolve(undefined) } }),
    3,
    /the password of (\w+) cannot be read: kv-shop-weu has no password of \1/,
  ],
  [
    "pitr --adopt of long ago",
    "more is lost than the objective",
    right,
    same,
    2,
    /would be lost, \d+ s, more than the objective of 0 s; --accept-loss \d+ goes on, --extract brings/,
  ],
];

const all = () => {
  laptop.hold(customRole("operator", laptop.platform));
  return laptop.snapshot();
};

test.each(cases)("%s: %s", async (verb, _what, platform, wrong, exitCode, message) => {
  const before = await all();
  const ground = { ...laptop.ground, ...wrong(laptop.ground) };
  await expect(typed(VERBS[verb](platform(laptop.platform), ground))).rejects.toMatchObject({
    exitCode,
    message: expect.stringMatching(message),
  });
  expect(await all()).toEqual(before);
});

test("while somebody else is at it no verb begins; to tell customers waits for nobody but who does that", async () => {
  const { stack } = laptop.platform;
  const codeOf = async (verb: keyof typeof VERBS) =>
    typed(VERBS[verb](laptop.platform, laptop.ground)).then(
      () => 0,
      (error: { exitCode?: number; message: string }) =>
        / holds .*; nothing was done/.test(error.message) ? error.exitCode : error.message,
    );
  const others = (Object.keys(VERBS) as (keyof typeof VERBS)[]).filter((verb) => verb !== "announce");
  const operations = takeLocalLease(laptop.folder, leaseName(stack));
  expect(await Promise.all(others.map(codeOf))).toEqual(others.map(() => 4));
  const announcing = takeLocalLease(laptop.folder, leaseName(stack, "announce"));
  expect(await codeOf("announce")).toBe(4);
  await operations.release();
  await announcing.release();
});

test("the region of what is global is lost: failover and rotate need nothing of it, contain and reopen leave out the edge and say so", async () => {
  const { losses } = laptop.cloud;
  await losses.lose(WITNESS);
  try {
    const planned = async (verb: keyof typeof VERBS) => {
      const said: string[] = [];
      laptop.hold(customRole(roleOf(verb as VerbName), laptop.platform));
      const { steps } = (await operate(
        VERBS[verb](laptop.platform, laptop.ground),
        { dryRun: true, incident: "INC-refused" },
        { ...quiet(), say: (line) => said.push(line) },
      )) as { steps: { id: string }[] };
      const told = said.filter((line) => line.startsWith("the edge stays as it is: "));
      return [steps.map(({ id }) => id).join(" "), told.length];
    };
    expect(await planned("failover")).toEqual([
      "quiesce catch-up promote fence workloads edge partners backup",
      0,
    ]);
    expect(await planned("rotate")).toEqual(["database-api", 0]);
    expect(await planned("contain")).toEqual(["entry logins workers evidence record", 1]);
    // Its clusters go on saying that it is contained: somebody has to switch the edge on.
    expect(await planned("reopen")).toEqual(["logins workers entry backup", 1]);
  } finally {
    await losses.restore(WITNESS);
  }
});

test.each([
  [
    "contain",
    /^api of aks-shop-weu is shut by INC-half, half contained or half reopened: an update would open it/,
  ],
  ["maintenance", /^maintenance is on \(INC-half\): an update would lead api of aks-shop-weu back/],
] as const)("an update is refused while %s is cut short in one cluster", async (by, told) => {
  laptop.hold(customRole("operator", laptop.platform));
  const findings = async () =>
    (await judgeServing(laptop.platform, laptop.ground, () => Promise.resolve(false))).findings.filter(
      (one) => one.includes(WEST.cluster),
    );
  const west = { region: WEST, cluster: laptop.ground.cluster(WEST.cluster) };
  expect(await findings()).toEqual([]);
  await leadAside(laptop.platform, west, { by, incident: "INC-half" }, { nobody: "here" });
  expect((await findings())[0]).toMatch(told);
  await leadBack(laptop.platform, west);
  expect(await findings()).toEqual([]);
});

test("an adoption moves the endpoint once Azure has forgotten the lock that was taken off, and not below one that stands", async () => {
  const { platform, ground } = laptop;
  const locked = Object.assign(new Error("ScopeLocked: remove the lock"), {
    statusCode: 409,
    code: "ScopeLocked",
  });
  const asked: string[] = [];
  const moving = (heeded: number, lock?: AzureResource): Ground => ({
    ...ground,
    resources: {
      ...ground.resources,
      get: async (id, version) => (id.includes("/locks/") ? lock : ground.resources.get(id, version)),
      put: () => Promise.resolve(void asked.push("put")),
      delete: () => (asked.push("delete") > heeded ? Promise.resolve() : Promise.reject(locked)),
    },
  });
  laptop.hold(customRole("adopter", platform));
  const found = await assess(platform, ground, { extract: [], nameOf: (server) => `${server}-g2` }, "INC-1");
  const point = (at: Ground) =>
    new Succession(platform, at, found, "INC-1").point().run(new AbortController().signal);
  await point(moving(2));
  expect(asked).toEqual(["delete", "delete", "delete", "put"]);
  await expect(point(moving(9, { id: "locks/cannot-delete" }))).rejects.toBe(locked);
});

test("pitr: a run that was killed goes on, although its moment has left meanwhile what can be restored", async () => {
  const at = new Date("2026-01-01T00:00:00Z");
  const own = made({ [MADE_BY]: "INC-refused", [MOMENT]: at.toISOString() })(laptop.ground);
  const typedAgain = (ground: Ground) =>
    operate(
      pitr(laptop.platform, ground, { at, extract: [] }),
      { dryRun: true, incident: "INC-refused" },
      quiet(),
    );
  laptop.hold(customRole("restorer", laptop.platform));
  await expect(typedAgain(laptop.ground)).rejects.toThrow(/outside what can be restored/);
  await expect(typedAgain({ ...laptop.ground, ...own })).resolves.toMatchObject({ dryRun: true });
});
