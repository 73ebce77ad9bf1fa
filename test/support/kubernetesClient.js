/** Makes one file of Kubernetes' client, unless it is there, at the place jest.config.js names. */
const path = require("node:path");
const { bundle, WHOLE } = require("../../packages/command/bundle.cjs");

const ROOT = path.resolve(__dirname, "../..");

module.exports = function kubernetesClient() {
  bundle({
    ...WHOLE,
    absWorkingDir: ROOT,
    entryPoints: ["@kubernetes/client-node"],
    outfile: path.join(ROOT, ".build/test/kubernetesClient.js"),
    logLevel: "warning",
  });
};
