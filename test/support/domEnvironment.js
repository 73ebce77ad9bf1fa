// Lets tests open pages with jsdom, which Node's own loader loads and Jest's cannot: parts of it are ES modules only.
const NodeEnvironment = require("./environment");

module.exports = class extends NodeEnvironment {
  async setup() {
    await super.setup();
    this.global.loadJsdom = () => require("jsdom");
  }
};
