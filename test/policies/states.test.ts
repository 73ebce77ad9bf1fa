import { controlStates, platformStates } from "../../apps/gates/states";
import type { ResourceView, Tree } from "../../packages/isolation/rule";
import { UNKNOWN } from "../../packages/isolation/rule";
import { statementOf } from "../../policies/pack/statement";
import { rolesIn } from "../../policies/pack/statement/shapes";
import { type Demand, statementRule } from "../../policies/rules/statement";
import { readStacks } from "../../stacks/files";
import type { StackConfig } from "../../stacks/schema";
import { expectedPlan } from "./support/expectedPlan";
import { ROOT } from "./support/names";
import { PREVIEW_OF_PROD } from "./support/previewOfProd";

const { prod } = readStacks(ROOT);
if (!prod?.regions.secondary) throw new Error("production has no second region");
const { primary, secondary } = prod.regions;

type Role = StackConfig["regions"]["primary"]["role"];

const as = (first: Role, second: Role, more: Partial<StackConfig> = {}): StackConfig => ({
  ...prod,
  ...more,
  regions: { primary: { ...primary, role: first }, secondary: { ...secondary, role: second } },
});

const plan = expectedPlan("prod.json");
const [written, followed] = ["primary", "replica"].map((noun) => {
  const server = plan.find(({ name }) => name === `forma3d-prod-database-${noun}`);
  if (!server) throw new Error(`the plan has no database-${noun}`);
  return server;
}) as [ResourceView, ResourceView];

/** The replica as a failed-over plan has it: what only a writer may say, and that it was promoted. */
const promoted: ResourceView = {
  ...followed,
  props: {
    ...followed.props,
    createMode: "Update",
    administratorLoginPassword: UNKNOWN,
    backup: { backupRetentionDays: 35, geoRedundantBackup: "Disabled" },
    maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 0, startHour: 1 },
  } as Tree,
};

/** What the statement of a state says of these resources, as paths or names of what is missing. */
function found(
  config: StackConfig,
  resources: readonly ResourceView[],
  of: (demand: Demand) => boolean,
): string[] {
  const rule = statementRule(new Map([["forma3d/prod", statementOf(config).filter(of)]]));
  const stack = { resources, byUrn: new Map(resources.map((one) => [one.urn, one])) };
  return rule.check(stack, PREVIEW_OF_PROD).map(({ path }) => path);
}

const isOfServers = ({ what }: Demand): boolean => /^the database server that/.test(what);

const having = (server: ResourceView, props: Tree): ResourceView => ({
  ...server,
  props: { ...server.props, ...props },
});

describe("the server that writes is held the same, whichever was made first", () => {
  const atRest = as("serving", "standby");
  const failedOver = as("standby", "serving");
  const lost = as("lost", "serving");

  test("as planned, no state finds anything", () => {
    expect(found(atRest, [written, followed], isOfServers)).toEqual([]);
    expect(found(failedOver, [written, promoted], isOfServers)).toEqual([]);
    expect(found(lost, [written, promoted], isOfServers)).toEqual([]);
  });

  test.each<[string, Tree]>([
    ["backup.backupRetentionDays", { backup: { backupRetentionDays: 7, geoRedundantBackup: "Disabled" } }],
    ["backup.geoRedundantBackup", { backup: { backupRetentionDays: 35 } }],
    [
      "maintenanceWindow.customWindow",
      { maintenanceWindow: { customWindow: "Disabled", dayOfWeek: 0, startHour: 1 } },
    ],
    [
      "maintenanceWindow.dayOfWeek",
      { maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 3, startHour: 1 } },
    ],
    ["createMode", { createMode: "Default" }],
    ["administratorLoginPassword", { administratorLoginPassword: null }],
  ])("after a failover %s cannot be less", (path, props) => {
    for (const config of [failedOver, lost])
      expect(found(config, [written, having(promoted, props)], isOfServers)).toEqual([path]);
  });

  test("a standby that the stack file gives the promoted server is one", () => {
    const config = as("standby", "serving", {
      database: { ...prod.database, replica: { bootstrap: false, highAvailability: "SameZone" } },
    });
    const standing = (mode: string): ResourceView => having(promoted, { highAvailability: { mode } });
    expect(found(config, [written, standing("SameZone")], isOfServers)).toEqual([]);
    expect(found(config, [written, standing("Disabled")], isOfServers)).toEqual(["highAvailability.mode"]);
    expect(found(config, [written, promoted], isOfServers)).toEqual(["highAvailability.mode"]);
  });

  test("what follows is made as a replica, or follows already", () => {
    expect(found(atRest, [written, having(followed, { createMode: "Replica" })], isOfServers)).toEqual([]);
    expect(found(atRest, [written, having(followed, { createMode: "Default" })], isOfServers)).toEqual([
      "createMode",
    ]);
  });

  test("what is sent nothing may say what it said before", () => {
    const old = having(written, {
      backup: { backupRetentionDays: 7 },
      maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 3, startHour: 9 },
    });
    expect(found(lost, [old, promoted], ({ type }) => type === "dbforpostgresql:Server")).toEqual([]);
  });

  test("a larger size, longer retention and another window of the stack file find nothing", () => {
    const config = as("standby", "serving", {
      database: {
        ...prod.database,
        skuName: "Standard_D8ds_v5",
        maintenanceWindow: { dayOfWeek: "Tuesday", startHour: 3 },
      },
    });
    const grown = having(promoted, {
      sku: { name: "Standard_D8ds_v5", tier: "GeneralPurpose" },
      backup: { backupRetentionDays: 36, geoRedundantBackup: "Disabled" },
      maintenanceWindow: { customWindow: "Enabled", dayOfWeek: 2, startHour: 3 },
    });
    expect(found(config, [written, grown], isOfServers)).toEqual([]);
  });
});

describe("each region's origin leads to that region, lost or not", () => {
  const origins = plan.filter(({ type }) => type.endsWith("cdn:AFDOrigin"));
  const isOfOrigins = ({ what }: Demand): boolean => what.startsWith("the origin of ");

  test.each<[Role, Role]>([
    ["serving", "standby"],
    ["lost", "serving"],
    ["serving", "lost"],
  ])("while the regions are %s and %s", (first, second) => {
    const config = as(first, second);
    expect(origins).toHaveLength(4);
    expect(found(config, origins, isOfOrigins)).toEqual([]);
    for (const [property, path] of [
      ["hostName", "hostName"],
      ["sharedPrivateLinkResource", "sharedPrivateLinkResource.privateLinkLocation"],
    ] as const) {
      const [one, other] = origins;
      if (!one || !other) throw new Error("no origins");
      const led = having(one, { [property]: other.props[property] ?? null });
      expect(found(config, [led, ...origins.slice(1)], isOfOrigins)).toContain(path);
    }
    expect(found(config, origins.slice(1), isOfOrigins)).toHaveLength(1);
  });
});

describe("no group lies in another region than what is in it, and a quota has room for what autoscalers ask", () => {
  test.each([
    ["resources:ResourceGroup", "-monitoring-group", { location: "westeurope" }, "location"],
    [
      "ResourceQuota",
      "-primary-namespace-quota",
      { spec: { hard: { pods: "1", "requests.storage": "9Ti", "services.loadbalancers": "2" } } },
      "spec.hard.pods",
    ],
  ])("%s", (type, end, props, path) => {
    const isOfType = (demand: Demand): boolean => demand.type === type;
    const all = plan.filter((one) => one.type.endsWith(type.split(":").at(-1) ?? type));
    expect(found(prod, all, isOfType)).toEqual([]);
    const weakened = all.map((one) => (one.name.endsWith(end) ? having(one, props) : one));
    expect(found(prod, weakened, isOfType)).toEqual([path]);
  });
});

test("every state a stack file can be in is one that is planned, and named once", () => {
  const all = platformStates(prod, ROOT);
  const names = [...all, ...controlStates()].map(({ name }) => name);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(names).toEqual(
    expect.arrayContaining(["at rest", "failed over", "first region lost", "second region lost", "smallest"]),
  );
  expect(rolesIn(prod)).toBe("serving standby");
});
