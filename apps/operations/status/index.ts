import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { fences, replication, serving } from "./database";
import { certificates, frontDoor, publicNames } from "./edge";
import { lookUp, type Finding } from "./findings";
import { backups, lastDrill, openIncidents, readiness, unfinished } from "./records";
import { soon } from "./soon";
import { switched } from "./switches";

/** Everything `status` looks up, in the order it is shown. */
export function status(platform: Platform, asked: Ground, folder: string): Promise<Finding[]> {
  const ground = soon(asked);
  return lookUp({
    serving: serving(platform, ground),
    "public names": publicNames(platform, ground),
    "front door": frontDoor(platform, ground),
    switches: switched(platform, ground),
    replication: replication(platform, ground),
    fences: fences(platform, ground),
    backups: backups(platform, ground),
    incidents: openIncidents(platform, ground),
    unfinished: unfinished(platform, folder),
    certificates: certificates(platform, ground),
    drill: lastDrill(platform, ground),
    readiness: readiness(platform, ground, folder),
  });
}

/** 0: all is well. 1: something wants attention. 3: nothing does, but something could not be looked up. */
export function statusCode(findings: readonly Finding[]): 0 | 1 | 3 {
  if (findings.some(({ state }) => state === "attention")) return 1;
  return findings.some(({ state }) => state === "unknown") ? 3 : 0;
}

const SIGN: Readonly<Record<Finding["state"], string>> = { ok: "  ", attention: "! ", unknown: "? " };

/** One screen: a line for each, the sign first. */
export function renderStatus(stack: string, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ id }) => id.length));
  const lines = findings.map(({ id, state, text }) => `${SIGN[state]}${id.padEnd(width)}  ${text}`);
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  const verdict =
    statusCode(findings) === 0
      ? "healthy"
      : `${count("attention")} want attention (!), ${count("unknown")} could not be looked up (?)`;
  return `${stack}: ${verdict}\n${lines.join("\n")}\n`;
}
