export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  [more: string]: unknown;
}

export interface Stored {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- objects are as loose as their API
  status?: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- as above
  [more: string]: unknown;
}
