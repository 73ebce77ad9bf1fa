import type { StoreAccess } from "../targets";
import { AzureStore } from "./azure/client";
import { FolderStore } from "./folder/client";
import type { Store } from "./store";

/** Opens the place a target names. Nothing is asked of it yet. */
export async function openStore({ store: access }: { store: StoreAccess }): Promise<Store> {
  if (access.kind === "folder") return new FolderStore(access.path);
  if (access.kind === "azure") return AzureStore.open(access);
  // Loaded on demand: the client costs a quarter of a second, and most runs have no use for it.
  const { S3Store } = await import("./s3/client");
  return S3Store.open(access);
}
