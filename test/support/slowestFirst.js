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
  "recovery/platform",
  "recovery/drill",
  "operations/verbs",
  "recovery/cli",
  "tools/planCommand",
  "recovery/targets",
  "operations/failover",
  "recovery/restore",
  "operations/rights",
  "policies/analyzer",
  "policies/metamorphic",
  "recovery/verify",
  "policies/gates",
  "emulated-azure/servers",
  "recovery/planned",
  "commands",
  "cloud/runbooks",
  "policies/rules.isolation",
  "recovery/kinds",
  "cloud/malformed",
  "policies/compliance",
  "recovery/campaign",
  "recovery/elsewhere",
  "cloud/real",
  "alerting/rules",
  "recovery/crashed",
  "recovery/selection",
  "tools/cost",
  "tools/page",
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
