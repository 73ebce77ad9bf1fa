/**
 * Jest's sequencer: the files that take longest come first, also where jest has no times of an earlier run and would go by
 * the size of a file; begun last, one of them keeps a processor idle for minutes.
 */
const path = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that take nine seconds or more of an idle machine of two processors: first those that mostly wait, then the slowest. */
const SLOWEST = [
  "infra/gateway",
  "alerting/endToEnd",
  "policies/changes",
  "docs/runbooks",
  "recovery/drill",
  "recovery/faults",
  "cloud/real",
  "operations/verbs",
  "recovery/platform",
  "recovery/verify",
  "recovery/kinds",
  "recovery/restore",
  "cloud/runbooks",
  "operations/failover",
  "recovery/cli",
  "recovery/targets",
  "policies/analyzer",
  "recovery/planned",
  "policies/metamorphic",
  "cloud/malformed",
  "recovery/backup",
  "tools/planCommand",
  "commands",
  "emulated-azure/servers",
  "policies/statement",
  "policies/isolation",
  "infra/workloads",
  "operations/rights",
  "recovery/elsewhere",
  "policies/rules.isolation",
  "tools/cost",
  "alerting/rules",
  "tools/page",
  "docs/deploying",
  "policies/compliance",
  "recovery/selection",
  "infra/data",
  "tools/new",
  "recovery/crashed",
  "policies/gates",
  "recovery/incident",
  "operations/frame",
  "operations/refusals",
  "recovery/campaign",
  "infra/databaseRoles",
  "operations/image",
  "operations/commit",
  "recovery/mask",
  "recovery/releases",
  "recovery/loading",
  "recovery/metrics",
  "policies/shapeOptions",
  "docs/workflowScripts",
  "infra/runners",
  "policies/rules",
  "infra/cluster",
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
