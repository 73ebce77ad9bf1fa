import { BlockBlobClient } from "@azure/storage-blob";
import { Laptop, type Ran } from "../../apps/rehearsal/laptop";
import type { Customer } from "../../apps/rehearsal/laptop/customer";

/*
 * Production as it is planned, served on this machine with its pods at work, and acted on by the commands an operator types: processes
 * of their own, by the stack's own file, with the rights they were given.
 */
jest.setTimeout(600_000);

let laptop: Laptop;
let customer: Customer;

beforeAll(async () => {
  laptop = await Laptop.open("prod");
  customer = laptop.customer();
  await customer.places(5);
});
afterAll(() => laptop?.close());

const operations = (args: string[], incident: string, more: Parameters<Laptop["operations"]>[1] = {}) =>
  laptop.operations([...args, "--yes", "--incident", incident], more);
const well = (ran: Ran) =>
  expect({ code: ran.code, said: ran.code === 0 ? "" : ran.said }).toEqual({ code: 0, said: "" });
const failover = (to: string, incident: string) => operations(["failover", "prod", "--to", to], incident);

test("a region is lost while a customer orders: one command, and the other serves; back again without losing an order", async () => {
  await laptop.lose("westeurope");
  const lost = await failover("northeurope", "INC-lost");
  well(lost);
  expect(lost.document).toMatchObject({ mode: "forced", measured: { rtoMet: true, rpoMet: true } });
  await customer.places(5);
  const missing = await laptop.missing(customer);
  // Nothing from before the loss that was printed.
  const { decidedAt, measured } = lost.document as any;
  const told = Date.parse(decidedAt) - (measured.rpoSeconds + 1) * 1000;
  expect(missing.filter((id) => customer.confirmed.get(id)! < told)).toEqual([]);
  // Nobody has committed who serves: the pipeline refuses, in one line.
  const gate = await laptop.command("apps/gates/cli.ts", ["serving", "prod"]);
  expect(gate.code).toBe(1);
  expect(gate.printed).toMatch(
    /FOUND forma3d:regions.secondary.role is standby, and psql-forma3d-prod-neu is the primary: commit who serves, or fail over\n/,
  );
  await laptop.bringBack("westeurope");
  await customer.places(5);
  const back = await failover("westeurope", "INC-back");
  well(back);
  expect(back.document).toMatchObject({ mode: "planned", measured: { rpoSeconds: 0 } });
  await customer.places(5);
  expect(await laptop.missing(customer)).toEqual(missing);
  const home = await laptop.command("apps/gates/cli.ts", ["serving", "prod"]);
  expect(home.printed).toMatch(/serving of prod: clean/);
});

test("a restored server is adopted, by a command that was killed in the middle and typed again", async () => {
  const { databases, storage } = laptop.served.real!;
  await databases.settled();
  const [{ now }] = (await laptop.sql<{ now: Date }>("SELECT clock_timestamp() AS now")) as [{ now: Date }];
  await customer.places(3);
  // Another operator, on the real blob server: neither a verb nor an update begins.
  const [account = ""] = storage.names.filter((name) => name.includes("weu"));
  const blob = new BlockBlobClient(storage.get(account)!.addressOf("/incidents/leases/operations-prod"));
  await blob.upload("", 0);
  const other = blob.getBlobLeaseClient();
  await other.acquireLease(-1);
  const kept = await operations(["maintenance", "prod", "on"], "INC-other");
  expect({ code: kept.code, said: kept.said }).toEqual({
    code: 4,
    said: expect.stringMatching(
      /another operator holds incidents\/leases\/operations-prod; nothing was done/,
    ),
  });
  const leased = await laptop.command("apps/gates/cli.ts", ["serving", "prod"]);
  expect(leased.printed).toMatch(/^FOUND an operation holds the lease: wait until it has ended$/m);
  await other.releaseLease();
  const args = ["pitr", "prod", "--at", now.toISOString(), "--adopt"];
  const killed = await operations(args, "INC-adopt", { killAt: /\d+\/\d+ fence: (?!is so)/ });
  expect(killed.code).toBeUndefined();
  const again = await operations(args, "INC-adopt");
  well(again);
  const { steps, measured, commit } = again.document as any;
  expect(steps.map(({ id }: { id: string }) => id)).toEqual([
    ...[
      "restore",
      "endpoint",
      "sign-in",
      "check",
      "parameters",
      "unlock",
      "fence",
      "logins",
      "point",
      "edge",
    ],
    ...["lock", "replica", "backup"],
  ]);
  expect(steps.find(({ id }: { id: string }) => id === "restore").how).toBe("found");
  expect(measured.rtoSeconds).toBeLessThan(laptop.platform.targets.rtoSeconds);
  expect(commit[1]).toMatch(/record prod 'database\.generation=2' 'database\.restoredAt=20/);
  await customer.places(5);
  const endpoint = databases.virtualEndpoint("forma3d-prod-db");
  expect([endpoint.primary.name, endpoint.replica?.name]).toEqual([
    "psql-forma3d-prod-weu-g2",
    "psql-forma3d-prod-neu-g2",
  ]);
  // The old one is kept, and no workload of any region may log in to it.
  const left = await laptop
    .database()
    .query<{ role: string }>(
      "psql-forma3d-prod-weu.postgres.database.azure.com",
      "SELECT rolname AS role FROM pg_roles WHERE rolcanlogin AND rolname ~ '_(weu|neu)$'",
    );
  expect(left).toEqual([]);
  const gate = await laptop.command("apps/gates/cli.ts", ["serving", "prod"]);
  expect(gate.printed).toMatch(
    /^FOUND clients are led to psql-forma3d-prod-weu-g2, which the stack file does not name: commit database.generation$/m,
  );
  // Until the stack file names it, a failover would look at the wrong pair.
  const refusedOne = await failover("northeurope", "INC-wrong");
  expect(refusedOne.code).toBe(2);
  expect(refusedOne.said).toMatch(
    /leads to neither psql-forma3d-prod-weu nor psql-forma3d-prod-neu.*database.generation/,
  );
});
