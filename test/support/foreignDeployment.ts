// Plans a project that is not this one, brings it up on an empty cloud with real servers, changes it, and says as JSON
// what it saw. A process of its own, as every plan is one.
import path from "node:path";
import { Client } from "pg";
import { Authority } from "../../packages/emulated-azure/certificates";
import { emulatedCloud } from "../../packages/emulated-azure/cloud";
import { sandboxModel } from "../../packages/emulated-azure/model";
import { putRealBehind } from "../../packages/emulated-azure/real";
import { deployPlan } from "../../packages/offline-engine/deploy";
import { planStack, type Plan } from "../../packages/offline-engine/planner";
import { projectRoot } from "../../packages/command/root";

const ROOT = path.join(projectRoot(__dirname), "test/fixtures/foreign");
const SERVER = "psql-bakery-orders";
const HOST = `${SERVER}.postgres.database.azure.com`;

export async function main(): Promise<void> {
  const cloud = emulatedCloud(sandboxModel());
  const authority = await Authority.create();
  const real = await putRealBehind(cloud, { authority });
  const planned = (overrides: Record<string, string>): Promise<Plan> =>
    planStack(ROOT, "dev", { resolve: true, overrides });
  const seen = async () => {
    const { login: user, password } = real.databases.server(SERVER).administrator;
    const client = new Client({
      host: "127.0.0.1",
      port: real.portOf(HOST, 5432),
      user,
      password,
      database: "postgres",
      ssl: { ca: authority.certificate, servername: HOST },
    });
    await client.connect();
    const { rows } = await client.query<{ user: string; memory: string }>(
      "SELECT current_user AS user, current_setting('work_mem') AS memory",
    );
    await client.end();
    return { ...rows[0], servers: real.databases.names, accounts: real.storage.names };
  };
  try {
    const first = await planned({});
    const errors = first.deployment.diagnostics.map(({ message }) => message);
    if (errors.length > 0) throw new Error(errors.join("\n"));
    const made = await deployPlan(first, cloud);
    const before = await seen();
    const second = await planned({ diskGib: "64", workMem: "16384", photos: "false" });
    const changed = await deployPlan(second, cloud, first);
    const after = await seen();
    const again = await deployPlan(second, cloud, second);
    const shrunk = await deployPlan(await planned({ photos: "false", workMem: "16384" }), cloud, second).then(
      () => "",
      (error: unknown) => String(error),
    );
    console.log(JSON.stringify({ errors, made, before, changed, after, again, shrunk }));
  } finally {
    await real.close();
  }
}
