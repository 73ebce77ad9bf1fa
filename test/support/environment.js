const { TestEnvironment } = require("jest-environment-node");

/**
 * Node.js, whose own errors keep the ten frames it gives them. With jest they have a hundred, each looked up in the source
 * maps; whoever tries ten encodings on a text makes thousands of errors nobody reads.
 */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    // Jest sets it before; a test's own errors are of another realm, which keeps its hundred.
    Error.stackTraceLimit = 10;
  }
};
