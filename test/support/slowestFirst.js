/**
 * Jest's sequencer: the files that take longest come first, also where jest has no times of an earlier run and would go by
 * the size of a file; begun last, one of them keeps a processor idle for minutes.
 */
const path = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that keep a processor busy for eight seconds or more, or wait for that long: the slowest first. */
const SLOWEST = [
  "alerting/endToEnd",
  "docs/runbooks",
  "recovery/drill",
  "recovery/platform",
  "recovery/releases",
  "recovery/verify",
  "recovery/faults",
  "recovery/restore",
  "recovery/kinds",
  "recovery/targets",
  "cloud/real",
  "policies/analyzer",
  "operations/rights",
  "operations/verbs",
  "tools/planCommand",
  "operations/failover",
  "policies/gates",
  "policies/compliance",
  "cloud/malformed",
  "cloud/runbooks",
  "policies/metamorphic",
  "alerting/rules",
  "recovery/cli",
  "recovery/backup",
  "recovery/crashed",
  "recovery/planned",
  "emulated-azure/servers",
  "recovery/campaign",
  "recovery/selection",
  "recovery/targetList",
  "policies/rules.isolation",
  "recovery/mask",
  "recovery/incident",
  "recovery/elsewhere",
  "infra/databaseRoles",
  "tools/page",
  "policies/statement",
  "tools/cost",
  "infra/workloads",
  "operations/image",
  "commands",
  "tools/new",
  "operations/refusals",
  "operations/commit",
  "infra/data",
  "docs/deploying",
  "policies/shapeOptions",
  "policies/isolation",
  "recovery/loading",
  "recovery/metrics",
  "rehearsal/local",
  "operations/frame",
];

class SlowestFirst extends Sequencer {
  /** @param tests files, each with its path; jest's own order decides among the rest */
  async sort(tests) {
    const rank = ({ path: file }) => {
      const name = path
        .relative(path.join(__dirname, ".."), file)
        .replace(/\.test\.ts$/, "")
        .replaceAll("\\", "/");
      const at = SLOWEST.indexOf(name);
      return at < 0 ? SLOWEST.length : at;
    };
    const sorted = await super.sort(tests);
    return [...sorted].sort((one, other) => rank(one) - rank(other));
  }
}

module.exports = SlowestFirst;
