import type { BlobItem, ContainerClient, ContainerListBlobsOptions } from "@azure/storage-blob";
import { pagesOf } from "../pages";
import { inTime, type Patience } from "../patience";

/** The blobs of a container, page by page. @throws Error when a page does not come */
export async function* blobsOf(
  container: ContainerClient,
  { answer }: Patience,
  options: ContainerListBlobsOptions,
): AsyncGenerator<BlobItem> {
  const pages = pagesOf(
    (place: { continuationToken: string } | undefined) =>
      inTime(answer, async (abortSignal) => {
        const list = container.listBlobsFlat({ ...options, abortSignal }).byPage(place);
        return (await list.next()).value;
      }),
    ({ continuationToken }) => (continuationToken ? { continuationToken } : undefined),
  );
  for await (const { segment } of pages) yield* segment.blobItems;
}
