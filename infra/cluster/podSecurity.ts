/**
 * Version of the Pod Security Standard the pods are held to. Without one it is the cluster's, and an upgrade of the
 * cluster alone could refuse pods that ran the day before.
 */
export const POD_SECURITY_VERSION = "v1.35";
