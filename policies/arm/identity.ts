import { FEDERATED_CREDENTIAL, IDENTITY } from "../../packages/isolation/kinds";
import { fault, must } from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const URL = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations";

/** Federated credentials that fit on one identity. */
const CREDENTIALS_PER_IDENTITY = 20;

const shape: ArmLimit = {
  id: "ARM-044",
  name: "federated-credential-shape",
  title: "A federated credential trusts one subject of one issuer for one audience",
  description:
    "The issuer is an HTTPS address, the subject has no wildcard, and there is exactly one audience.",
  why: "Azure rejects the credential, or never exchanges a token for it: subjects are compared exactly.",
  remediation:
    'Use subject "system:serviceaccount:<namespace>:<name>" and audience api://AzureADTokenExchange.',
  url: URL,
  risks: ["R08"],
  types: [FEDERATED_CREDENTIAL],
  check: (credential) => [
    ...(credential.at("issuer").unknown
      ? []
      : must(
          credential.at("issuer"),
          (value) => typeof value === "string" && value.startsWith("https://"),
          "be an HTTPS address",
        )),
    ...must(
      credential.at("subject"),
      (value) => typeof value === "string" && value !== "" && !value.includes("*"),
      "be one subject without a wildcard",
    ),
    ...must(
      credential.at("audiences"),
      (value) => Array.isArray(value) && value.length === 1,
      "have one audience",
    ),
  ],
};

const count: ArmLimit = {
  id: "ARM-045",
  name: "federated-credentials-per-identity",
  title: `An identity has at most ${CREDENTIALS_PER_IDENTITY} federated credentials, each unlike the others`,
  description:
    "No two credentials of one identity have the same issuer and subject, and there are 20 at most.",
  why: "Azure rejects the next one.",
  remediation: "Give each workload an identity of its own.",
  url: URL,
  risks: ["R08"],
  types: [FEDERATED_CREDENTIAL],
  relations: [{ as: "identity", property: "resourceName", types: [IDENTITY] }],
  siblings: "identity",
  check: (credential, { siblings }) => [
    ...(siblings.length >= CREDENTIALS_PER_IDENTITY
      ? fault(
          credential.at("resourceName"),
          `must not have more than ${CREDENTIALS_PER_IDENTITY} federated credentials, but has ${siblings.length + 1}`,
        )
      : []),
    ...(siblings.some((other) =>
      ["issuer", "subject"].every((key) => {
        const [mine, theirs] = [credential.at(key).text, other.at(key).text];
        return mine !== undefined && mine === theirs;
      }),
    )
      ? fault(
          credential.at("subject"),
          "must differ from that of the identity's other credentials with this issuer",
        )
      : []),
  ],
};

export const IDENTITY_LIMITS: readonly ArmLimit[] = [shape, count];
