// `node apps/recovery/build.mjs <folder>`: the runner as single files, for its image.
import { bundleForImage } from "../../packages/command/imageBundle.mjs";

await bundleForImage(import.meta.url, {
  recovery: "cli.ts",
  incident: "incident.ts",
  healthcheck: "healthcheck.ts",
});
