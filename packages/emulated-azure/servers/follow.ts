import { loopback } from "../../local-servers/ports";
import type { TcpFront } from "./front";
import { PROVIDER_ROLE, type Home } from "./home";
import type { Instance, Settings } from "./instance";
import { waitFor } from "../../programs/waiting";

const CATCHES_ON_SECONDS = 10;
const CATCHES_UP_SECONDS = 60;

/** Settings of a standby that follows what stands behind `wire`. */
export function following(home: Home, wire: TcpFront, name: string): Settings {
  const parts = {
    host: loopback,
    port: wire.port,
    user: PROVIDER_ROLE,
    password: home.password,
    application_name: name,
    // A wire that is silent must not hold it for TCP's own quarter of an hour.
    connect_timeout: 5,
  };
  const primary = Object.entries(parts).map(([key, value]) => `${key}=${value}`);
  return { primary_conninfo: primary.join(" "), recovery_target_timeline: "latest" };
}

interface Follower {
  home: Home;
  instance: Instance;
  /** What it follows. */
  upstream: Instance;
  wire: TcpFront;
  /** As the upstream lists it. */
  name: string;
  settings: Settings;
  /** A copy just taken: there is nothing to give up. */
  fresh?: boolean;
}

/**
 * Starts an instance as a standby of another and waits until its log streams. One that wrote what the other never had
 * gives that up.
 */
export async function follow(follower: Follower): Promise<void> {
  const { instance, upstream, fresh } = follower;
  await instance.stop("immediate");
  if (upstream.port === undefined) throw new Error("there is nothing to follow: the server does not run");
  if (!fresh) await instance.rewindTo(upstream.port);
  if (await begin(follower)) return;
  // Rewound, yet the log between the two is gone: only a copy helps.
  await instance.stop("immediate");
  await instance.copyAgain(upstream.port);
  if (!(await begin(follower)))
    throw new Error(`${follower.name} does not follow after ${CATCHES_ON_SECONDS} s`);
}

async function begin({ home, instance, upstream, wire, name, settings }: Follower): Promise<boolean> {
  instance.configure({ ...settings, ...following(home, wire, name) });
  instance.startsAs("standby");
  try {
    await instance.start();
  } catch {
    return false;
  }
  return streams(upstream, name, CATCHES_ON_SECONDS);
}

/** Waits until the upstream sends its log to `name` as it is written. */
export async function streams(upstream: Instance, name: string, seconds: number): Promise<boolean> {
  const isStreaming = async () => {
    const found = await upstream.query(
      "SELECT 1 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'",
      [name],
    );
    return found.length > 0;
  };
  return (await waitFor(isStreaming, seconds, 30)) ?? false;
}

/** Waits until a standby has replayed the log up to a position. @throws Error when it does not get there */
export async function replayed(standby: Instance, position: string): Promise<void> {
  const isThere = async () => {
    const [row] = await standby.query<{ there: boolean }>(
      "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there",
      [position],
    );
    return row?.there;
  };
  if (!(await waitFor(isThere, CATCHES_UP_SECONDS, 20)))
    throw new Error(`the replica did not catch up within ${CATCHES_UP_SECONDS} s`);
}
