import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { emulatedCloud, EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { Fault, Faults } from "../../packages/emulated-azure/faults";
import { Listening, listen } from "../../packages/emulated-azure/listen";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { settle } from "../../packages/emulated-azure/model/azure/consequences";
import { subscriptionsOf } from "../../packages/emulated-azure/arm/subscriptions";
import { Page, servePage } from "../../packages/emulated-azure/page";
import { serveProviders } from "../../packages/emulated-azure/provider/server";
import { BUILT_IN } from "../../packages/emulated-azure/rights/roles";
import type { Principal } from "../../packages/emulated-azure/rights/directory";
import { CloudStore } from "../../packages/emulated-azure/store/cloud";
import { UsageError } from "../../packages/command/errors";
import { projectRoot } from "../../packages/command/root";
import { planStack } from "../../packages/offline-engine/planner";
import { ARM_REFUSALS } from "../../policies/arm/armLimits";

/** Who signs in to a served cloud, and the roles each holds in every subscription of it (docs/deploying.md, step 6). */
const PRINCIPALS: Readonly<Record<string, readonly string[]>> = {
  operator: ["Owner", "Key Vault Secrets Officer", "Storage Blob Data Contributor"],
  deploy: ["Contributor", "Role Based Access Control Administrator", "Locks Contributor"],
  preview: ["Reader"],
  stranger: [],
};

/** A stack could not be brought up. The message says why. */
export class NotServed extends UsageError {}

/** The cloud a planned stack would have left after its first update. @throws NotServed */
export async function plannedStore(stack: string, seed: string): Promise<CloudStore> {
  const plan = await planStack(projectRoot(__dirname), stack, { resolve: true });
  const errors = plan.deployment.diagnostics.filter(({ severity }) => severity === "error");
  if (plan.refused || errors.length > 0) {
    throw new NotServed(
      `stack ${stack} has no plan: ${errors[0]?.message ?? "its configuration is refused"}`,
    );
  }
  const store = new CloudStore(seed, plan.deployment.cloud.all());
  settle(store, plan.model);
  return store;
}

/** Makes the principals known and gives each its roles. */
export function addPrincipals(cloud: EmulatedCloud): Record<string, Principal> {
  const byName = new Map([...BUILT_IN.values()].map(({ roleName, name }) => [roleName, name]));
  const made = Object.entries(PRINCIPALS).map(([displayName, roles]) => {
    const principal = cloud.directory.add({ displayName, secret: randomBytes(24).toString("base64url") });
    for (const subscription of subscriptionsOf(cloud)) {
      for (const role of roles)
        assign(cloud, principal, byName.get(role) ?? "", `/subscriptions/${subscription}`);
    }
    return [displayName, principal] as const;
  });
  return Object.fromEntries(made);
}

function assign({ cloud }: EmulatedCloud, principal: Principal, role: string, scope: string): void {
  const roleAssignmentName = `${role.slice(0, 8)}${principal.objectId.slice(8)}`;
  const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${roleAssignmentName}`;
  const inputs = {
    scope,
    roleAssignmentName,
    principalId: principal.objectId,
    principalType: "ServicePrincipal",
    roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
  };
  const type = "azure-native:authorization:RoleAssignment";
  cloud.put({
    key: `arm:${id.toLowerCase()}`,
    type,
    id,
    inputs,
    outputs: { ...inputs, name: roleAssignmentName },
  });
}

/** A cloud with all its fronts open. */
export interface Served {
  readonly cloud: EmulatedCloud;
  readonly principals: Readonly<Record<string, Principal>>;
  readonly listening: Listening;
  readonly page: Page;
  /** Value of `PULUMI_DEBUG_PROVIDERS`. */
  readonly attach: string;
  /** Folder of the certificate and of the clients' own settings; gone after {@link stop}. */
  readonly home: string;
  /** Settings that point `az`, and anything that heeds HTTPS_PROXY, at the cloud. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Opens every front of a cloud on free ports of the loopback. */
export async function serveCloud(store: CloudStore, given: readonly Fault[] = []): Promise<Served> {
  const faults = new Faults();
  for (const fault of given) faults.add(fault);
  const model = sandboxModel();
  const cloud = emulatedCloud(model, { store, faults, refusals: ARM_REFUSALS });
  const principals = addPrincipals(cloud);
  const [listening, page, providers] = await Promise.all([
    listen(cloud),
    servePage(cloud),
    serveProviders(model, store, cloud.front),
  ]);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "emulated-azure-"));
  const certificate = path.join(home, "ca.pem");
  fs.writeFileSync(certificate, listening.certificate);
  return {
    cloud,
    principals,
    listening,
    page,
    attach: providers.attach,
    home,
    environment: {
      HTTPS_PROXY: listening.proxy,
      NO_PROXY: "",
      REQUESTS_CA_BUNDLE: certificate,
      NODE_EXTRA_CA_CERTS: certificate,
      AZURE_CONFIG_DIR: path.join(home, "azure"),
      AZURE_CORE_COLLECT_TELEMETRY: "no",
      AZURE_CORE_LOGIN_EXPERIENCE_V2: "off",
    },
    stop: async () => {
      providers.stop();
      await Promise.all([listening.stop(), page.stop()]);
      fs.rmSync(home, { recursive: true, force: true });
    },
  };
}

/** What a person needs to type, as shell lines. */
export function instructions(served: Served, engine: Readonly<Record<string, string>>): string {
  const { environment, principals, cloud, page, listening } = served;
  const exported = (values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).map(([name, value]) => `export ${name}='${value}'`);
  return [
    "# az, and whatever heeds HTTPS_PROXY: Azure's own names lead here, and nothing else is reached",
    ...exported(environment),
    ...Object.entries(principals).map(
      ([name, { appId = "", secret = "" }]) =>
        `# ${name}: az login --service-principal --username ${appId} --password '${secret}' --tenant ${cloud.directory.tenantId}`,
    ),
    `# clients that take an address: ${listening.address}`,
    "# pulumi, in another shell",
    ...exported(engine),
    `# page: ${page.address}`,
    "# Ctrl-C ends it",
  ].join("\n");
}
