import fs from "node:fs";
import path from "node:path";
import { ResourceManagementClient } from "@azure/arm-resources";
import { editStackFile } from "../../apps/operations/frame/stackFile";
import { resourceManager } from "../../apps/operations/ground/resources";
import { POSTGRES_API, serverId } from "../../apps/operations/server";
import { Laptop, type Ran } from "../../apps/rehearsal/laptop";
import type { Customer } from "../../apps/rehearsal/laptop/customer";
import { root } from "../support/recoveryCli";

/*
 * After a forced failover the server that was lost never comes back. Production as it is planned is served on real servers, and
 * the commands are those of docs/runbooks/server-gone.md, as processes of their own with the rights they were given.
 */
jest.setTimeout(1_800_000);

let laptop: Laptop;
let customer: Customer;
/** Folder of a stack file that says who serves. */
let stacks: string;

beforeAll(async () => {
  laptop = await Laptop.open("prod");
  customer = laptop.customer();
  stacks = path.join(laptop.folder, "stacks");
  fs.mkdirSync(stacks);
  for (const file of fs.readdirSync(root).filter((one) => /^Pulumi\..*yaml$/.test(one)))
    fs.copyFileSync(path.join(root, file), path.join(stacks, file));
  await customer.places(5);
});
afterAll(() => laptop?.close());

const operations = (args: string[], incident: string, more: Parameters<Laptop["operations"]>[1] = {}) =>
  laptop.operations([...args, "--yes", "--incident", incident], {
    ...more,
    environment: { STACK_FOLDER: stacks },
  });
const well = (ran: Ran) =>
  expect({ code: ran.code, said: ran.code === 0 ? "" : ran.said }).toEqual({ code: 0, said: "" });
const ADOPT = ["pitr", "prod", "--adopt", "--everything"];

/** Whoever owns the subscription; the platform's own roles may delete no server that is locked. */
function azure() {
  const { cloud, listening, principals } = laptop.served;
  const token = cloud.directory.issue(principals["owner"]!, "https://management.azure.com");
  const credential = {
    getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const { address: endpoint, certificate: ca } = listening;
  return resourceManager(
    new ResourceManagementClient(credential, laptop.platform.subscriptionId, {
      endpoint,
      tlsOptions: { ca },
    }),
    { endpoint, pollMs: 50 },
  );
}

test("the server of the lost region is gone: nothing is lost, a pair made anew serves, and its backups have copies again", async () => {
  const { platform } = laptop;
  const [west, north] = platform.regions as [(typeof platform.regions)[0], (typeof platform.regions)[0]];
  await laptop.lose("westeurope");
  well(await operations(["failover", "prod", "--to", "northeurope"], "INC-lost"));
  await customer.places(5);
  const missing = await laptop.missing(customer);
  await laptop.bringBack("westeurope");
  const [resources, { signal }] = [azure(), new AbortController()];
  const gone = serverId(platform, west);
  await resources.delete(
    `${gone}/providers/Microsoft.Authorization/locks/cannot-delete`,
    "2020-05-01",
    signal,
  );
  await resources.delete(gone, POSTGRES_API, signal);
  await customer.places(5);
  // Before the commit that says who serves, a new pair would be made for the wrong region.
  const early = await operations(ADOPT, "INC-early");
  expect([early.code, early.said]).toEqual([2, expect.stringMatching(/standby: commit who serves first/)]);
  const file = path.join(stacks, "Pulumi.prod.yaml");
  const set = (path: string, value: unknown) => ({ path, how: "set" as const, value });
  fs.writeFileSync(
    file,
    editStackFile(fs.readFileSync(file, "utf8"), [
      set("regions.primary.role", "standby"),
      set("regions.secondary.role", "serving"),
    ]),
  );
  // Given up before anything was made: whoever orders is let in again.
  const begun = await operations(ADOPT, "INC-given-up", { killAt: /\d+\/\d+ restore: (?!is so)/ });
  expect(begun.code).toBeUndefined();
  const { sql } = laptop;
  const shut = () =>
    sql.call(laptop, "SELECT 1 FROM pg_roles WHERE rolname = 'api_neu' AND rolcanlogin") as Promise<
      unknown[]
    >;
  expect(await shut()).toEqual([]);
  well(await operations(["pitr", "prod", "--drop"], "INC-drop"));
  expect(await shut()).toHaveLength(1);
  await customer.places(5);
  // And now whole, killed while it is made and typed again.
  const killed = await operations(ADOPT, "INC-gone", { killAt: /\d+\/\d+ check: (?!is so)/ });
  expect(killed.code).toBeUndefined();
  const again = await operations(ADOPT, "INC-gone");
  well(again);
  const { steps, measured, commit } = again.document as any;
  expect(steps.map(({ id }: { id: string }) => id)).toEqual([
    ...["unlock", "fence", "restore", "endpoint", "sign-in", "parameters", "check"],
    ...["logins", "point", "edge", "lock", "replica", "backup"],
  ]);
  expect(measured.lossSeconds).toBe(0);
  await customer.places(5);
  expect(await laptop.missing(customer)).toEqual(missing);
  const fresh = { ...north, server: `${north.server}-g2` };
  const made = await resources.get(serverId(platform, fresh), POSTGRES_API);
  expect(made?.properties?.["backup"]).toMatchObject({
    backupRetentionDays: 35,
    geoRedundantBackup: "Enabled",
  });
  // No public address, and the tags the policies ask for.
  expect(made?.properties?.["network"]).toMatchObject({ publicNetworkAccess: "Disabled" });
  expect(made?.tags).toMatchObject({ product: "forma3d", environment: "prod" });
  const { primary, replica } = laptop.served.real!.databases.virtualEndpoint("forma3d-prod-db");
  expect([primary.name, replica?.name]).toEqual([`${north.server}-g2`, `${west.server}-g2`]);
  expect(commit[1]).toMatch(
    /record prod 'database\.generation=2' 'database\.geoBackupOf=secondary' 'database\.restoredAt=20/,
  );
});
