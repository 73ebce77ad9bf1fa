// `node apps/recovery/build.mjs <folder>`: the runner as single files, for its image.
import { bundleForImage } from "../../packages/command/imageBundle.mjs";
import entries from "./image.json" with { type: "json" };

await bundleForImage(import.meta.url, entries);
