import { saveCloud } from "../../../packages/emulated-azure/store/file";
import { plannedStore } from "../serve";

/** Plans a stack and leaves the cloud it makes in a folder: a process of its own, since a program is planned once in one. */
export async function main([stack = "", folder = "", project] = process.argv.slice(2)): Promise<void> {
  saveCloud(folder, await plannedStore(stack, "laptop", project));
}
