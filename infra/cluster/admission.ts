import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding";
import * as pulumi from "@pulumi/pulumi";
import { platformLabels } from "../kubernetes/labels";
import { imageChecks, JUDGED_PODS } from "./imageChecks";

export interface ImageAdmissionArgs {
  product: string;
  /** Name of the namespace it guards. */
  namespace: string;
  /** Repositories that pods may take images from, such as `ghcr.io/forma3d/api`; each image by its digest. */
  repositories: readonly string[];
}

/**
 * Lets pods of the platform's namespace start from the repositories of the configuration only, and by digest only: the
 * API server itself refuses everything else, whoever asks. A rollback to an earlier digest stays possible. What an operator
 * attaches to a running pod with `kubectl debug` is not judged: attaching is a right of its own.
 */
export class ImageAdmission extends pulumi.ComponentResource {
  constructor(name: string, args: ImageAdmissionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:cluster:ImageAdmission", name, {}, opts);
    const { images, holds, message } = imageChecks(args.repositories);
    const metadata = { name: `${args.product}-images`, labels: platformLabels(args.product) };
    const policy = new ValidatingAdmissionPolicy(
      `${name}-policy`,
      {
        metadata,
        spec: {
          failurePolicy: "Fail",
          matchConstraints: {
            resourceRules: [JUDGED_PODS],
          },
          variables: [{ name: "images", expression: images }],
          validations: [{ expression: holds, messageExpression: message, reason: "Forbidden" }],
        },
      },
      { parent: this },
    );
    new ValidatingAdmissionPolicyBinding(
      `${name}-binding`,
      {
        metadata,
        spec: {
          policyName: metadata.name,
          validationActions: ["Deny", "Audit"],
          matchResources: {
            // A label every namespace gets from the API server, and nobody else can give.
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": args.namespace } },
          },
        },
      },
      { parent: this, dependsOn: [policy] },
    );
    this.registerOutputs({});
  }
}
