import { BlobProxy, startBlobProxy } from "./blobProxy";

/**
 * A blob server as Azure's is with versioning on, in front of the emulator, which has none: a deleted blob becomes a
 * previous version, shown only to who asks for versions, and is gone when that version is deleted by its id.
 */
export async function startVersionedBlobs(
  connectionString: string,
): Promise<BlobProxy & { previous: Set<string> }> {
  const previous = new Set<string>();

  /** The listing as it would be with versions. */
  const listed = (xml: string, container: string, asked: boolean): string =>
    xml.replaceAll(
      /<Blob>(<Name>([^<]*)<\/Name>)([\s\S]*?<\/Blob>)/g,
      (_, head: string, name: string, rest: string) => {
        const gone = previous.has(`${container}/${name}`);
        if (!asked) return gone ? "" : `<Blob>${head}${rest}`;
        return `<Blob>${head}<VersionId>1</VersionId>${gone ? "" : "<IsCurrentVersion>true</IsCurrentVersion>"}${rest}`;
      },
    );

  const proxy = await startBlobProxy(connectionString, ({ method, url = "" }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const blob = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    if (method === "DELETE" && !searchParams.has("versionid")) {
      const status = previous.has(blob) ? 404 : 202;
      previous.add(blob);
      return { answer: { status, headers: { "x-ms-error-code": "BlobNotFound" } } };
    }
    if (method === "DELETE") previous.delete(blob);
    if (searchParams.get("comp") !== "list" || searchParams.get("restype") !== "container") return undefined;
    const asked = (searchParams.get("include") ?? "").split(",").includes("versions");
    return { rewrite: (xml) => listed(xml, blob, asked) };
  });
  return { ...proxy, previous };
}
