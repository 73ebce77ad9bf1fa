// `node apps/operations/build.mjs <folder>`: the operations as one file, for their image.
import { bundleForImage } from "../../packages/command/imageBundle.mjs";
import entries from "./image.json" with { type: "json" };

await bundleForImage(import.meta.url, entries);
