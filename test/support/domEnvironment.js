// Lets tests open pages with jsdom, which Node's own loader loads and Jest's cannot: parts of it are ES modules only.
const { TestEnvironment } = require("jest-environment-node");

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.loadJsdom = () => require("jsdom");
  }
};
