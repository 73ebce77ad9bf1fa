import type http from "node:http";
import type { IncomingHttpHeaders } from "node:http";

/** What one request to an account's blobs was answered with. */
export interface BlobReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** What versions need of an account. */
export interface BlobServer {
  addressOf(path: string): string;
  ask(method: string, path: string, headers?: Record<string, string>): Promise<BlobReply>;
}

interface Version {
  /** As Azure shows it: when it was written. */
  readonly id: string;
  /** Where the server keeps what it held; undefined while it is the current one. */
  snapshot?: string;
}

/** What becomes of a request to an account with versions, and of its answer. */
export interface Versioned {
  /** Path to ask the server for instead. */
  readonly path?: string;
  /** An answer there is already. */
  readonly refusal?: { readonly status: number; readonly code: string };
  /** What the answer's headers are joined by. */
  readonly headers?: Record<string, string>;
  /** What the answer's body becomes. */
  readonly rewrite?: (body: string) => string;
  /** Called when the server took the request on. */
  readonly taken?: () => void;
}

/** A request to an account's blobs. */
export interface BlobRequest {
  readonly method: string;
  /** Decoded: `container/blob`, or a container alone. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** Requests that change something about a blob and not its content. */
const BESIDE = new Set(["lease", "metadata", "properties", "tags", "tier", "snapshot", "block", "page"]);

/**
 * Blob versions, which the server itself has none of: what is overwritten or deleted is kept there as a snapshot and
 * shown as a version (https://learn.microsoft.com/azure/storage/blobs/versioning-overview). A deleted blob is one whose
 * base the server still has and nobody is shown.
 */
export class Versions {
  private readonly known = new Map<string, Version[]>();
  private readonly deleted = new Set<string>();
  private last = 0;

  /** What becomes of a request to an account that keeps versions. */
  async before(account: BlobServer, { method, path, query, headers }: BlobRequest): Promise<Versioned> {
    const comp = query.get("comp") ?? "";
    if (!path.includes("/")) {
      return comp === "list" && method === "GET" ? this.listing(path, query) : {};
    }
    const version = query.get("versionid");
    if (version !== null) return this.ofVersion(method, path, version, query);
    const gone = this.deleted.has(path);
    const reads = method === "GET" || method === "HEAD";
    if (method === "DELETE" || reads || BESIDE.has(comp)) {
      if (gone) return comp === "block" ? {} : { refusal: { status: 404, code: "BlobNotFound" } };
      if (method !== "DELETE") return reads ? { headers: this.currentHeader(path) } : {};
      return this.deletion(account, path, headers);
    }
    return method === "PUT" ? this.writing(account, path, gone) : {};
  }

  /** Path by which the server itself has what a version held; undefined when there is none. */
  placeOf(path: string, wanted: string): string | undefined {
    return this.ofVersion("GET", path, wanted, new URLSearchParams()).path;
  }

  private async writing(account: BlobServer, path: string, gone: boolean): Promise<Versioned> {
    // The condition of a write is the server's to judge.
    const snapshot = (gone ? undefined : await keep(account, path)) || undefined;
    const id = this.next();
    return {
      headers: { "x-ms-version-id": id },
      taken: () => {
        this.past(path, snapshot);
        this.of(path).push({ id });
        this.deleted.delete(path);
      },
    };
  }

  /** Only the snapshot is made: the base stays, hidden. */
  private async deletion(
    account: BlobServer,
    path: string,
    headers: IncomingHttpHeaders,
  ): Promise<Versioned> {
    const there = await account.ask("HEAD", addressed(path));
    if (there.headers["x-ms-lease-status"] === "locked" && headers["x-ms-lease-id"] === undefined)
      return { refusal: { status: 412, code: "LeaseIdMissing" } };
    const snapshot = await keep(account, path, headers);
    if (snapshot === undefined) return {};
    if (snapshot === false) return { refusal: { status: 412, code: "ConditionNotMet" } };
    this.past(path, snapshot);
    this.deleted.add(path);
    return { refusal: { status: 202, code: "" } };
  }

  private ofVersion(method: string, path: string, wanted: string, query: URLSearchParams): Versioned {
    const version = this.of(path).find(({ id }) => id === wanted);
    if (!version) return { refusal: { status: 404, code: "BlobNotFound" } };
    const onward = new URLSearchParams(query);
    onward.delete("versionid");
    if (version.snapshot !== undefined) onward.set("snapshot", version.snapshot);
    else if (method === "DELETE") return { refusal: { status: 403, code: "OperationNotAllowedOnRootBlob" } };
    const text = onward.toString();
    return {
      path: `${addressed(path)}${text ? `?${text}` : ""}`,
      headers: { "x-ms-version-id": wanted },
      ...(method === "DELETE" && {
        taken: () =>
          this.known.set(
            path,
            this.of(path).filter((one) => one !== version),
          ),
      }),
    };
  }

  private listing(container: string, query: URLSearchParams): Versioned {
    const include = (query.get("include") ?? "").split(",").filter(Boolean);
    const asked = include.includes("versions");
    const onward = new URLSearchParams(query);
    const kept = include.filter((one) => !["versions", "deleted", "deletedwithversions"].includes(one));
    if (asked) kept.push("snapshots");
    onward.delete("include");
    if (kept.length > 0) onward.set("include", kept.join(","));
    return {
      path: `/${encodeURIComponent(container)}?${onward.toString()}`,
      rewrite: (xml) =>
        xml.replaceAll(/<Blob>([\s\S]*?)<\/Blob>/g, (_, blob: string) => this.shown(container, blob)),
    };
  }

  private shown(container: string, blob: string): string {
    const name = /<Name>([^<]*)<\/Name>/.exec(blob)?.[1] ?? "";
    const path = `${container}/${decodeXml(name)}`;
    const snapshot = /<Snapshot>([^<]*)<\/Snapshot>/.exec(blob)?.[1];
    if (snapshot !== undefined) {
      const version = this.of(path).find((one) => one.snapshot === snapshot);
      return version
        ? `<Blob>${blob.replace(/<Snapshot>[^<]*<\/Snapshot>/, tag(version.id))}</Blob>`
        : `<Blob>${blob}</Blob>`;
    }
    if (this.deleted.has(path)) return "";
    const current = this.of(path).at(-1);
    if (!current) return `<Blob>${blob}</Blob>`;
    return `<Blob>${blob.replace("</Name>", `</Name>${tag(current.id)}<IsCurrentVersion>true</IsCurrentVersion>`)}</Blob>`;
  }

  private past(path: string, snapshot: string | undefined): void {
    const current = this.of(path).at(-1);
    if (snapshot === undefined) return;
    if (current && current.snapshot === undefined) current.snapshot = snapshot;
    else this.of(path).push({ id: this.next(), snapshot });
  }

  private currentHeader(path: string): Record<string, string> {
    const id = this.of(path).at(-1)?.id;
    return id === undefined ? {} : { "x-ms-version-id": id, "x-ms-is-current-version": "true" };
  }

  private of(path: string): Version[] {
    let versions = this.known.get(path);
    if (!versions) this.known.set(path, (versions = []));
    return versions;
  }

  /** The time with seven digits, as Azure's, and never the same twice. */
  private next(): string {
    this.last = Math.max(Date.now() * 10, this.last + 1);
    const at = new Date(Math.floor(this.last / 10)).toISOString();
    return `${at.slice(0, -1)}${this.last % 10}000Z`;
  }
}

const tag = (id: string): string => `<VersionId>${id}</VersionId>`;

const addressed = (path: string): string => `/${path.split("/").map(encodeURIComponent).join("/")}`;

/** Conditions a request sets. */
const CONDITIONS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-ms-lease-id"];

/** @returns where the server keeps what the blob holds; undefined when there is none, false when a condition fails. */
async function keep(
  account: BlobServer,
  path: string,
  headers: IncomingHttpHeaders = {},
): Promise<string | undefined | false> {
  const conditions = CONDITIONS.flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  const answer = await account.ask(
    "PUT",
    `${addressed(path)}?comp=snapshot`,
    Object.fromEntries(conditions) as Record<string, string>,
  );
  if (answer.status === 404) return undefined;
  if (answer.status === 412) return false;
  if (answer.status !== 201) throw new Error(`the blob server does not keep ${path}: ${answer.status}`);
  return String(answer.headers["x-ms-snapshot"]);
}

function decodeXml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
