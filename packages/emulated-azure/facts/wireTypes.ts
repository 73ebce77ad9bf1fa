/** Names of properties in ARM's JSON where they differ from the SDK's; a dot separates levels, `\.` is a dot. */
export type WireNames = Record<string, string>;

/** One request Microsoft's clients know. */
export interface WireOperation {
  readonly method: string;
  /** Path with `{}` for every parameter. */
  readonly path: string;
  /** Statuses a client takes for success. */
  readonly status: readonly number[];
  /** How a client follows a long-running operation: `azure-async-operation`, `location`, `original-uri`. */
  readonly poll?: string;
  /** Class of the request body. */
  readonly body?: string;
  /** API version the client asks for. */
  readonly apiVersion?: string;
  /** Which of `$filter`, `$top`, `If-Match` and `If-None-Match` it heeds; absent: none. */
  readonly takes?: readonly string[];
  /** Class of the answer; not kept. */
  readonly reads?: string;
}

/** One resource type as ARM's JSON shows it. */
export interface WireType {
  /** API versions the provider's SDK lists for it, the client's own among them; newest last. */
  readonly apiVersions: readonly string[];
  readonly outputs: WireNames;
}

/** What vendors publish about ARM's requests and JSON, extracted by `npm run facts`. */
export interface Wire {
  readonly types: Readonly<Record<string, WireType>>;
  readonly inputs: Readonly<Record<string, WireNames>>;
  readonly outputs: Readonly<Record<string, WireNames>>;
  readonly operations: readonly WireOperation[];
}
