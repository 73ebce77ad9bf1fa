import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import {
  DatabaseServers,
  metricsOf,
  type DatabaseServer,
  type VirtualEndpoint,
} from "../../packages/emulated-azure/servers";
import { TcpFront } from "../../packages/emulated-azure/servers/front";
import { Authority } from "../../packages/emulated-azure/certificates";
import { HEARTBEAT_QUERY } from "../../infra/data/heartbeat";
import { until } from "../support/until";

const administrator = { login: "chief", password: "not-a-real-one-0" };
let cloud: DatabaseServers;
let ca: string;

beforeAll(async () => {
  const authority = await Authority.create();
  ca = authority.certificate;
  cloud = await DatabaseServers.open({ tls: await authority.issue("any.example"), extensions: ["citext"] });
}, 180_000);
afterAll(() => cloud.close());

/** One statement as the administrator, at a port of loopback. */
async function ask<T extends object = any>(
  port: number,
  text: string,
  values: unknown[] = [],
  { login: user, password } = administrator,
): Promise<T[]> {
  const ssl = { ca, servername: "any.example" };
  const client = new Client({ host: "127.0.0.1", port, user, password, database: "postgres", ssl });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query(text, values)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const table =
  "CREATE TABLE marker (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())";
const ids = async (port: number) =>
  (await ask<{ id: string }>(port, "SELECT id FROM marker ORDER BY id")).map(({ id }) => Number(id));
const timeline = async (port: number) =>
  (await ask(port, "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS tli"))[0].tli as string;

/** Writes one row after the other through a name until told to stop; remembers each that was confirmed. */
function writer(port: number, first = 1) {
  const confirmed: number[] = [];
  let refused = 0;
  let going = true;
  const done = (async () => {
    for (let id = first; going; id++) {
      try {
        await ask(port, "INSERT INTO marker VALUES ($1)", [id]);
        confirmed.push(id);
      } catch {
        refused++;
        await sleep(10);
      }
    }
  })();
  const until = async (count: number) => {
    for (const from = confirmed.length; confirmed.length < from + count;) await sleep(10);
  };
  return { confirmed, until, refused: () => refused, stop: () => ((going = false), done) };
}

test("a killed primary under write load: the standby takes over, nothing confirmed is lost, and a new standby stands", async () => {
  const server = await cloud.create({ name: "zonal", region: "here", administrator, highlyAvailable: true });
  const { port } = server.front;
  await ask(port, table);
  const before = await timeline(port);
  const load = writer(port);
  await load.until(20);
  const dead = server.instance.pid;
  await server.crash();
  await load.until(5);
  await server.settled();
  await load.stop();
  expect(server.lastRepairFailure).toBeUndefined();
  expect(server.instance.pid).not.toBe(dead);
  const kept = new Set(await ids(port));
  expect(load.confirmed.filter((id) => !kept.has(id))).toEqual([]);
  expect(await timeline(port)).not.toBe(before);
  // And once more, the other way: the first one was put right and holds all that was confirmed since.
  const [standby] = await server.instance.query("SELECT sync_state FROM pg_stat_replication");
  expect(standby).toEqual({ sync_state: "sync" });
  await ask(port, "INSERT INTO marker VALUES (1000000)");
  await server.failOver("planned");
  expect(await ids(port)).toContain(1_000_000);
  await server.settled();
  await cloud.delete("zonal");
}, 180_000);

test("the administrator is no superuser and cannot become one", async () => {
  const { front } = await cloud.create({ name: "shaped", region: "here", administrator });
  await expect(ask(front.port, "ALTER SYSTEM SET work_mem = '1MB'")).rejects.toThrow(/permission denied/);
  await expect(ask(front.port, "CREATE ROLE king SUPERUSER")).rejects.toThrow(
    /superuser|permission denied to create role/,
  );
  await ask(front.port, "CREATE ROLE app LOGIN PASSWORD 'x'");
  await ask(front.port, "CREATE DATABASE other");
  if (cloud.limitsExtensions) {
    await ask(front.port, "CREATE EXTENSION citext");
    await expect(ask(front.port, "CREATE EXTENSION hstore")).rejects.toThrow(/permission denied/);
  }
  const { login: user, password } = administrator;
  const clear = new Client({ host: "127.0.0.1", port: front.port, user, password, database: "postgres" });
  await expect(clear.connect()).rejects.toThrow(/no encryption/);
  await cloud.delete("shaped");
}, 180_000);

describe("a pair across two regions", () => {
  let west: DatabaseServer;
  let north: DatabaseServer;
  let names: VirtualEndpoint;
  let writes: number;
  let reads: number;

  beforeAll(async () => {
    west = await cloud.create({ name: "pg-west", region: "west", administrator, highlyAvailable: true });
    await ask(west.front.port, table);
    north = await cloud.createReplica({ name: "pg-north", region: "north", source: "pg-west" });
    names = await cloud.createVirtualEndpoint("pair", "pg-west", "pg-north");
    writes = cloud.portOf("pair.writer.postgres.database.azure.com")!;
    reads = cloud.portOf("pair.reader.postgres.database.azure.com")!;
  }, 180_000);

  test("the reader's name shows what the writer's took, and refuses writes", async () => {
    await ask(writes, "INSERT INTO marker VALUES (1)");
    await until("the reader has it", async () => (await ids(reads)).includes(1));
    expect(await ids(reads)).toEqual([1]);
    await expect(ask(reads, "INSERT INTO marker VALUES (2)")).rejects.toThrow(/read-only/);
    expect(await metricsOf(north)).toMatchObject({ alive: 1, replicaLagSeconds: expect.any(Number) });
    expect(await metricsOf(west)).toMatchObject({ alive: 1, replicationLagBytes: 0 });
  });

  test("in a quiet night the lag counts from the last heartbeat, and grows as soon as none arrives", async () => {
    const lag = async () => (await metricsOf(north)).replicaLagSeconds ?? 0;
    const beat = () => ask(writes, HEARTBEAT_QUERY.pg_heartbeat.query);
    await until("nothing was written for two seconds", async () => (await lag()) > 2);
    await until("the replica has replayed a heartbeat", async () => {
      await beat();
      return (await lag()) < 2;
    });
    west.wire.reach = "refusing";
    await until("heartbeats that do not arrive are a lag", async () => {
      await beat();
      return (await lag()) > 2;
    });
    west.wire.reach = "open";
    await until("it has caught up", async () => {
      await beat();
      return (await lag()) < 2;
    });
  });

  test("a planned switch under write load loses no confirmed transaction, and the pair changes places", async () => {
    const before = await timeline(writes);
    const load = writer(writes, 10);
    await load.until(10);
    await cloud.promote("pg-north", { mode: "Switchover", option: "Planned" });
    await load.until(5);
    await load.stop();
    await cloud.settled();
    const kept = new Set(await ids(writes));
    expect(load.confirmed.filter((id) => !kept.has(id))).toEqual([]);
    expect(await timeline(writes)).not.toBe(before);
    expect([names.primary.name, names.replica?.name]).toEqual(["pg-north", "pg-west"]);
    expect([north.isReplica, west.isReplica, west.lastRepairFailure]).toEqual([false, true, undefined]);
    await expect(ask(reads, "INSERT INTO marker VALUES (5)")).rejects.toThrow(/read-only/);
  }, 180_000);

  test("a planned switch is refused while the source does not answer; a forced one loses what the replica lacked", async () => {
    await ask(writes, "INSERT INTO marker VALUES (2000)");
    await cloud.settled();
    // The wire between the regions goes first: what comes now is confirmed, and in one region only.
    await until("the reader has it", async () => (await ids(reads)).includes(2000));
    north.wire.reach = "refusing";
    await ask(writes, "INSERT INTO marker VALUES (2001), (2002), (2003)");
    expect((await metricsOf(west)).alive).toBe(1);
    await cloud.loseRegion("north");
    await expect(ask(writes, "SELECT 1")).rejects.toThrow();
    expect(await metricsOf(north)).toMatchObject({ alive: undefined, storageUsed: undefined });
    const promote = (option: "Planned" | "Forced") =>
      cloud.promote("pg-west", { mode: "Switchover", option });
    await expect(promote("Planned")).rejects.toThrow(/pg-north does not answer/);
    await promote("Forced");
    const kept = await ids(writes);
    expect(kept).toContain(2000);
    expect(kept.filter((id) => id > 2000)).toEqual([]);
    await ask(writes, "INSERT INTO marker VALUES (3000)");

    // Back again, the lost server gives up what nobody else has and follows.
    await cloud.returnRegion("north");
    await cloud.settled();
    await until("the reader has it", async () => (await ids(reads)).includes(3000));
    expect((await ids(reads)).filter((id) => id >= 2000)).toEqual([2000, 3000]);
    expect([north.isReplica, west.isReplica]).toEqual([true, false]);
  }, 180_000);

  test("a region cut off goes on writing to its own server, and nobody outside sees that or is harmed by it", async () => {
    await cloud.loseRegion("west", "cut off");
    await ask(west.portInside, "INSERT INTO marker VALUES (4000)");
    await expect(ask(west.front.port, "SELECT 1")).rejects.toThrow();
    await cloud.promote("pg-north", { mode: "Switchover", option: "Forced" });
    await ask(writes, "INSERT INTO marker VALUES (4001)");
    await cloud.returnRegion("west");
    await cloud.settled();
    expect((await ids(writes)).filter((id) => id >= 4000)).toEqual([4001]);
    await expect(ask(west.portInside, "INSERT INTO marker VALUES (4002)")).rejects.toThrow(/read-only/);
  }, 180_000);

  test("two changes at once: the second is told that the server is busy", async () => {
    const first = cloud.createReplica({ name: "pg-third", region: "south", source: "pg-north" });
    await expect(cloud.promote("pg-west", { mode: "Switchover", option: "Planned" })).rejects.toMatchObject({
      code: "ServerIsBusy",
    });
    await first;
    await cloud.promote("pg-third", { mode: "Standalone", option: "Planned" });
    await ask(cloud.server("pg-third").front.port, "INSERT INTO marker VALUES (5000)");
    expect(await ids(writes)).not.toContain(5000);
    await cloud.delete("pg-third");
  }, 180_000);

  test("a moment is brought back beside the server, and moments outside the window are refused", async () => {
    const { port } = names.primary.front;
    await cloud.settled();
    await ask(port, "INSERT INTO marker VALUES (6000)");
    const moment = (await ask(port, "SELECT clock_timestamp() AS now"))[0].now as Date;
    await sleep(5);
    await ask(port, "DELETE FROM marker");
    const source = names.primary.name;
    const restored = await cloud.restore({ name: "restored", region: "north", source, moment });
    expect(await ids(restored.front.port)).toContain(6000);
    await ask(restored.front.port, "INSERT INTO marker VALUES (6001)");
    expect(await ids(port)).toEqual([]);
    for (const wrong of [new Date(0), new Date(Date.now() + 3_600_000)]) {
      await expect(
        cloud.restore({ name: "other", region: "north", source, moment: wrong }),
      ).rejects.toMatchObject({ code: "PointInTimeNotAvailable" });
    }
    const latest = await cloud.restore({ name: "latest", region: "west", source });
    expect(await ids(latest.front.port)).toEqual([]);
  }, 180_000);

  test("PgBouncer lets in who the server lets in, and stays where it is while the server behind it restarts", async () => {
    await cloud.enablePooler(names.primary.name);
    await ask(writes, "CREATE ROLE worker LOGIN PASSWORD 'not-a-real-one-1'");
    const pooled = cloud.portOf("pair.writer.postgres.database.azure.com", 6432)!;
    expect(pooled).not.toBe(writes);
    await ask(pooled, "INSERT INTO marker VALUES (7000)");
    const [who] = await ask(pooled, "SELECT current_user AS name", [], {
      login: "worker",
      password: "not-a-real-one-1",
    });
    expect(who.name).toBe("worker");
    await expect(ask(pooled, "SELECT 1", [], { login: "worker", password: "wrong" })).rejects.toThrow(
      /authentication/,
    );
    await names.primary.restart();
    expect(await ids(pooled)).toEqual([7000]);
  }, 180_000);
});

test("a name that falls silent: calls that stand hear neither an answer nor an end, and end once it is open again", async () => {
  const echo = net.createServer((socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const [behind, before] = [await TcpFront.open(), await TcpFront.open()];
  behind.lead((echo.address() as AddressInfo).port);
  // As a writer's name leads to a server's own.
  before.lead(behind.port);
  const heard: string[] = [];
  const call = async () => {
    const socket = net.connect(before.port, "127.0.0.1");
    for (const event of ["end", "error", "close"]) socket.on(event, () => heard.push(event));
    socket.on("data", (data) => heard.push(data.toString()));
    await once(socket, "connect");
    return socket;
  };
  const one = await call();
  one.write("before");
  await until("it answers", () => Promise.resolve(heard.includes("before")));
  behind.reach = "silent";
  const other = await call();
  one.write("after");
  other.end("goodbye");
  await sleep(100);
  expect(heard).toEqual(["before"]);
  behind.reach = "open";
  await until("both have ended", () =>
    Promise.resolve(heard.filter((what) => what === "close").length === 2),
  );
  expect(heard).not.toContain("after");
  await Promise.all([before.close(), behind.close()]);
  echo.close();
});
