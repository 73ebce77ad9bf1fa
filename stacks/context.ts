import type * as pulumi from "@pulumi/pulumi";
import type { PlatformNames } from "../infra/naming";
import type { CloudProviders } from "../infra/providers";
import type { Tags } from "../infra/tags";
import type { StackConfig } from "./schema";

/** Everything the parts of the composition have in common. */
export interface Context {
  config: StackConfig;
  names: PlatformNames;
  tags: Tags;
  providers: CloudProviders;
  /** Options of a component outside Kubernetes. */
  opts: pulumi.ComponentResourceOptions;
}
