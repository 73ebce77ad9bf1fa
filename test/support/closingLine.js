/** Ends a run with one plain line that any machine can read. */
module.exports = class ClosingLine {
  onRunComplete(_contexts, results) {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numFailedTestSuites: broken,
      numPendingTests: skipped,
    } = results;
    // A file that does not load has no failed test of its own.
    const failures = Math.max(failed, broken);
    console.log(`\n${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  }
};
