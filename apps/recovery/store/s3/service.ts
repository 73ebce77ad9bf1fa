import type { PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import type { Patience } from "../patience";
import type { WriteOptions } from "../store";

/** What writing and erasing need of a store. */
export interface S3Service {
  readonly client: S3Client;
  readonly location: string;
  readonly patience: Patience;
  /** What an object is written with besides its body. */
  written(
    options: WriteOptions,
  ): Pick<
    PutObjectCommandInput,
    "ContentType" | "Metadata" | "StorageClass" | "ObjectLockMode" | "ObjectLockRetainUntilDate"
  >;
  explain(error: unknown, what: string): Error;
}
