/**
 * Jest's sequencer: the files that take longest come first, also where jest has no times of an earlier run and would go by
 * the size of a file; begun last, one of them keeps a processor idle for minutes.
 */
const path = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that take twenty seconds or more, the slowest first. */
const SLOWEST = [
  "alerting/endToEnd",
  "docs/runbooks",
  "recovery/faults",
  "recovery/restore",
  "recovery/kinds",
  "recovery/drill",
  "recovery/platform",
  "operations/verbs",
  "recovery/targets",
  "policies/analyzer",
  "tools/planCommand",
  "cloud/real",
  "operations/rights",
  "operations/failover",
  "cloud/malformed",
  "cloud/runbooks",
  "recovery/cli",
  "recovery/verify",
  "emulated-azure/servers",
  "recovery/backup",
  "policies/gates",
  "recovery/crashed",
  "policies/compliance",
  "recovery/planned",
  "alerting/rules",
  "recovery/campaign",
  "policies/rules.isolation",
  "policies/metamorphic",
  "recovery/mask",
  "recovery/selection",
  "recovery/incident",
  "recovery/elsewhere",
  "tools/page",
  "policies/statement",
  "tools/cost",
  "infra/workloads",
  "commands",
  "tools/new",
  "operations/refusals",
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
