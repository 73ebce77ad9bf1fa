/** Jest's global set-up: what all test files of a run share. */
const kubernetesClient = require("./kubernetesClient");
const planners = require("./planners");
const scratch = require("./scratch");

module.exports = async function globalSetup() {
  kubernetesClient();
  await planners(scratch());
};
