import fs from "node:fs";
import path from "node:path";

/** File in the copied project that the program's process loads first. */
const FILE = "preload.js";

/**
 * Switches off what Pulumi's SDK does for whoever debugs a program: debug messages to the engine, stack traces with
 * every promise, and the twenty aliases each Azure type has for its other API versions, which matter only to a state
 * written by another version of the SDK. More than half of the processor time of an update goes into them. What the
 * program declares stays the same: the parity scenarios run without this.
 */
const SOURCE = `"use strict";
const entry = process.argv[1] || "";
if (/@pulumi.pulumi.cmd.run.index\\.js$/.test(entry)) {
  Object.defineProperty(Error, "stackTraceLimit", { get: () => 0, set: () => undefined, configurable: true });
  require("@pulumi/pulumi/log").debug = () => Promise.resolve();
  const resource = require("@pulumi/pulumi/resource");
  const { mergeOptions } = resource;
  const version = /^azure-native:[\\w./]+\\/v\\d{8}\\w*:\\w+$/;
  resource.mergeOptions = (first, second) => {
    const aliases = second && second.aliases;
    const versionsOnly =
      Array.isArray(aliases) && Object.keys(second).length === 1 && aliases.every(({ type }) => version.test(type || ""));
    return mergeOptions(first, versionsOnly ? {} : second);
  };
}
`;

export function writePreload(project: string): void {
  fs.writeFileSync(path.join(project, FILE), SOURCE);
}

/** The setting that makes Node.js load it. */
export function preloading(project: string): Record<string, string> {
  return { NODE_OPTIONS: `--require ${JSON.stringify(path.join(project, FILE))}` };
}
