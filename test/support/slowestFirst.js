/**
 * Jest's sequencer: the files that take longest come first, also where jest has no times of an earlier run and would go by
 * the size of a file; begun last, one of them keeps a processor idle for minutes.
 */
const path = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Files that take half a minute or more, the slowest first. */
const SLOWEST = [
  "alerting/endToEnd",
  "recovery/drill",
  "docs/runbooks",
  "operations/verbs",
  "recovery/platform",
  "recovery/faults",
  "tools/planCommand",
  "recovery/cli",
  "recovery/restore",
  "recovery/targets",
  "policies/analyzer",
  "recovery/planned",
  "operations/failover",
  "operations/rights",
  "commands",
  "policies/gates",
  "recovery/verify",
  "policies/rules.isolation",
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
