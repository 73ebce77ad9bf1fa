// `node apps/operations/build.mjs <folder>`: the operations as one file, for their image.
import { bundleForImage } from "../../packages/command/imageBundle.mjs";

await bundleForImage(import.meta.url, { operations: "cli.ts" });
