import path from "node:path";
import { projectRoot } from "../../packages/command/root";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { armKey } from "../../packages/emulated-azure/model/azure/arm";
import { liveOfType, MemoryCloud } from "../../packages/emulated-azure/model/cloud";
import { lastName } from "../../packages/emulated-azure/model/ids";
import type { Scope, Stored, Tree } from "../../packages/emulated-azure/model/types";
import { judge } from "../../packages/emulated-azure/network/firewall";
import { podsOf, type Vantage } from "../../packages/emulated-azure/network/vantage";
import { platformOf } from "../../apps/operations/platform";
import { readStackFile } from "../../stacks/files";
import { PlanView, planStack } from "../support/plan";

/* From where what the platform is made of is asked, and what answers there: by the firewalls, endpoints and zones of the plan. */
const ROOT = projectRoot(__dirname);
const model = sandboxModel();
const platform = platformOf(ROOT, "prod");
const scope: Scope = { package: "azure-native", config: { subscriptionId: platform.subscriptionId } };
const ACCOUNT = "azure-native:storage:StorageAccount";
const VAULT = "azure-native:keyvault:Vault";
const SERVER = "azure-native:dbforpostgresql:Server";
const CLUSTER = "azure-native:containerservice:ManagedCluster";
const ADDRESS = "azure-native:network:PublicIPAddress";
const SUBNET = "azure-native:network:Subnet";
const IMAGE =
  "ghcr.io/forma3d/runner@sha256:4d967a4e3e0d6b1a4f3c1dd2be1f0c9a7d5c2e8b6f90a1b3c4d5e6f708192a3b";

/** What a plan makes, as far as it is about networks and what answers in them; addresses are those the plan was given. */
function cloudOf(plan: PlanView): MemoryCloud {
  const cloud = new MemoryCloud("plan");
  const found = plan.resources.filter(({ type }) =>
    /^azure-native:(resources|network|privatedns|storage|keyvault|containerservice|dbforpostgresql):/.test(
      type,
    ),
  );
  for (const { type, inputs: planned } of found) {
    const inputs = planned as Tree;
    const id = model.resource(type).id(inputs, scope);
    cloud.put({ key: armKey(id), type, id, inputs, outputs: inputs });
  }
  for (const { key, type, inputs } of liveOfType(cloud, ADDRESS)) {
    cloud.remove(key);
    model.create(type, "", inputs, scope, cloud);
  }
  return cloud;
}

/** What each service of a type answers somebody, by its name. */
const heard = (cloud: MemoryCloud, from: Vantage, type: string): Record<string, string> =>
  Object.fromEntries(liveOfType(cloud, type).map((one) => [lastName(one.id), judge(cloud, from, one).is]));

const everywhere = (cloud: MemoryCloud, from: Vantage) => ({
  ...heard(cloud, from, ACCOUNT),
  ...heard(cloud, from, VAULT),
  ...heard(cloud, from, SERVER),
});

/** A cloud with something taken out of it. */
function without(cloud: MemoryCloud, gone: (one: Stored) => boolean): MemoryCloud {
  const left = new MemoryCloud(cloud.seed);
  for (const one of cloud.all()) if (!gone(one)) left.put(one);
  return left;
}

/** A cloud with one type's inputs changed. */
function changed(cloud: MemoryCloud, type: string, change: Tree): MemoryCloud {
  const other = without(cloud, () => false);
  for (const one of liveOfType(cloud, type)) other.put({ ...one, inputs: { ...one.inputs, ...change } });
  return other;
}

const HOSTED_RUNNER: Vantage = { address: "20.51.3.4", region: "westeurope" };

describe("what the platform keeps", () => {
  let cloud: MemoryCloud;
  let pods: Vantage[];
  beforeAll(async () => {
    cloud = cloudOf(await planStack("prod", { resolve: true }));
    pods = platform.regions.map(({ cluster }) => podsOf(cloud, cluster));
  }, 180_000);

  test("answers the pods of either region, whichever region it is in", () => {
    for (const from of pods) {
      const answers = everywhere(cloud, from);
      expect(Object.keys(answers)).toHaveLength(7);
      expect(new Set(Object.values(answers))).toEqual(new Set(["answers"]));
    }
  });

  test("answers nobody else: no runner of GitHub's, and no machine at an address the platform admits", () => {
    const [admitted = ""] = readStackFile(ROOT, "prod").config.cluster.authorizedIpRanges;
    for (const from of [HOSTED_RUNNER, { address: admitted.split("/")[0] ?? "" }])
      expect(new Set(Object.values(everywhere(cloud, from)))).toEqual(new Set(["closed"]));
  });

  test("has API servers that answer listed addresses and the clusters' own pods, in either region, and no runner of GitHub's", () => {
    const [admitted = ""] = readStackFile(ROOT, "prod").config.cluster.authorizedIpRanges;
    for (const from of [...pods, { address: admitted.split("/")[0] ?? "" }])
      expect(new Set(Object.values(heard(cloud, from, CLUSTER)))).toEqual(new Set(["answers"]));
    expect(new Set(Object.values(heard(cloud, HOSTED_RUNNER, CLUSTER)))).toEqual(new Set(["firewall"]));
  });

  test("is not to be had where an endpoint, its record or the zone's link is missing", () => {
    const [first] = pods;
    const parts: [what: string, is: string][] = [
      ["/privateEndpoints/pe-witness-weu$", "nowhere"],
      ["/pe-witness-weu/privateDnsZoneGroups/", "nowhere"],
      ["privatelink.blob.core.windows.net/virtualNetworkLinks/vnet-forma3d-prod-weu$", "public"],
    ];
    for (const [what, is] of parts) {
      const less = without(cloud, ({ id }) => new RegExp(what).test(id));
      const witness = heard(less, first!, ACCOUNT)["stforma3dprodwitswc"];
      expect([what, witness]).toEqual([what, is === "nowhere" ? "unreachable" : "closed"]);
    }
  });
});

describe("where the state is kept", () => {
  let cloud: MemoryCloud;
  let runners: Vantage[];
  const FIREWALL = new Set(["firewall"]);
  const ANSWERS = new Set(["answers"]);
  const accounts = (of: MemoryCloud, from: Vantage) => new Set(Object.values(heard(of, from, ACCOUNT)));
  beforeAll(async () => {
    const jobs = { image: IMAGE, app: { id: 812345, installationId: 51234567 } };
    const config = { "controlPlane.runners": { jobs }, "cluster.authorizedIpRanges": ["203.0.113.0/24"] };
    cloud = cloudOf(await planStack("prod", { root: path.join(ROOT, "control"), config, resolve: true }));
    runners = liveOfType(cloud, SUBNET).map(({ id }) => ({ subnet: id }));
  }, 180_000);

  test("its own runners are answered by both accounts and both vaults, in their own region and in the other", () => {
    expect(runners).toHaveLength(2);
    for (const from of runners) {
      const answers = everywhere(cloud, from);
      expect(Object.keys(answers)).toHaveLength(4);
      expect(new Set(Object.values(answers))).toEqual(ANSWERS);
    }
  });

  test("they are known by their subnets, not by the address the accounts of their own region never see", () => {
    const plain = changed(cloud, SUBNET, { serviceEndpoints: [] });
    const unruled = changed(cloud, ACCOUNT, {
      networkRuleSet: { defaultAction: "Deny", ipRules: [{ iPAddressOrRange: "203.0.113.0/24" }] },
    });
    for (const from of runners) {
      expect(heard(plain, from, ACCOUNT)).toEqual({
        stforma3dprodctlneu: "firewall",
        stforma3dprodctlweu: "answers",
      });
      expect(accounts(unruled, from)).toEqual(FIREWALL);
    }
  });

  test("a machine at an admitted address is answered, and one of GitHub's there unless it stands in the account's region", () => {
    const address = "203.0.113.17";
    expect(accounts(cloud, { address })).toEqual(ANSWERS);
    expect(heard(cloud, { address, region: "northeurope" }, ACCOUNT)).toEqual({
      stforma3dprodctlneu: "firewall",
      stforma3dprodctlweu: "answers",
    });
    expect(new Set(Object.values(everywhere(cloud, HOSTED_RUNNER)))).toEqual(FIREWALL);
  });
});
