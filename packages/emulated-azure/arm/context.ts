import type { Hooks } from "../hooks";
import type { Model, Scope, Tree, Value } from "../model/types";
import type { Front } from "../provider/front";
import type { Directory, Session } from "../rights/directory";
import type { Rights, Wish } from "../rights/decide";
import type { CloudStore } from "../store/cloud";
import type { ArmJson } from "./json";
import type { GoneLocks } from "./goneLocks";
import type { LongRunning } from "./lro";
import type { Route } from "./routes";

/** What everything behind the ARM front works on. */
export interface ArmContext {
  readonly model: Model;
  readonly cloud: CloudStore;
  readonly front: Front;
  readonly hooks: Hooks;
  readonly rights: Rights;
  readonly directory: Directory;
  readonly json: ArmJson;
  readonly lro: LongRunning;
  readonly goneLocks: GoneLocks;
  readonly now: () => Date;
  /** Answers metrics; what it knows nothing of has no values. */
  readonly metrics: MetricSource;
  /** What was done to the cloud, for the activity log; newest last. */
  readonly activity: ActivityEntry[];
}

/** Values of a metric of a resource, oldest first; undefined when there is no such metric there. */
export type MetricSource = (
  resource: string,
  metric: string,
) => Promise<MetricValues | undefined> | MetricValues | undefined;

export interface MetricValues {
  /** `Count`, `Percent`, `Bytes`, `Seconds`, … */
  readonly unit: string;
  readonly points: readonly { readonly at: Date; readonly value: number }[];
}

export interface ActivityEntry {
  readonly at: Date;
  readonly caller: string;
  readonly operation: string;
  readonly resource: string;
  /** Of what takes longer: accepted first, and later how it ended, under the same correlation. */
  readonly status: "Accepted" | "Succeeded" | "Failed";
  readonly correlationId: string;
  /** Why it failed, as ARM words it. */
  readonly error?: object;
}

/** What a caller makes a change depend on, as it was sent. */
export interface Conditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** One request that has been read, authenticated and routed. */
export interface ArmRequest {
  readonly method: string;
  readonly route: Route;
  readonly url: URL;
  readonly apiVersion: string;
  /** Address clients reach the front at, to build further addresses from. */
  readonly base: string;
  readonly body: Tree;
  readonly session: Session;
  readonly conditions: Conditions;
  readonly scope: Scope;
  /** Refuses unless the caller may. */
  readonly demand: (wish: Omit<Wish, "data">) => void;
}

/** An answer before it is written. */
export interface ArmAnswer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of what was only accepted: how it ends. */
  readonly end?: Promise<unknown>;
}

export function list(value: readonly object[]): ArmAnswer {
  return { status: 200, body: { value } };
}

/** A string a body holds under a name, whatever its case. */
export function textIn(body: Tree, name: string): string | undefined {
  const found = Object.entries(body).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] as
    Value | undefined;
  return typeof found === "string" ? found : undefined;
}
