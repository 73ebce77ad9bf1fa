import type { Context, ResourceRule, ResourceView, StackRule, Violation } from "../rule";
import { watchOf, whose } from "../context";
import { type Reach, UNOWNED } from "../perimeter";
import { resourceRule, stackRule } from "./metadata";

/** What each kind of reach is called in a message. */
const WORDS: Readonly<Record<Reach, string>> = {
  subscription: "a subscription",
  managementGroup: "a management group",
  database: "a database, message broker or search service",
  vault: "a Key Vault or configuration store",
  storage: "a storage account",
  cluster: "a cluster",
  address: "an address",
  host: "a public host name",
  name: "a resource group, virtual network or other resource",
  identity: "an identity or tenant",
  secret: "a secret",
  stackReference: "a stack, workspace or context",
  issuer: "an issuer of tokens",
  engine: "an engine",
  fetchedCode: "code that is fetched",
  fetchedScript: "code that a script fetches",
  fetchedSettings: "settings that are fetched",
  manifest: "a manifest",
  opaque: "content that expands beyond what can be read",
};

const message = (reach: Reach, environment: string | undefined): string =>
  reach === "opaque"
    ? "holds content that expands beyond what can be read, so nobody can tell what it reaches"
    : `names ${WORDS[reach]} of ${whose(environment)}; a stack may name only what is its own`;

function reached(resource: ResourceView, context: Context, reach: Reach): Violation[] {
  return watchOf(context)
    .hitsOf(resource)
    .filter((hit) => hit.reach === reach)
    .map(({ path, decoding, environment, isProse }) => ({
      path,
      message: message(reach, environment),
      decoding,
      environment: whose(environment),
      ...(isProse && { level: "advisory" as const }),
    }));
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly reach: Reach;
  readonly title: string;
  readonly why: string;
  readonly remediation: string;
  readonly url: string;
}

const AZURE = "https://learn.microsoft.com/azure";

const ROWS: readonly Row[] = [
  {
    id: "ISO-001",
    name: "foreign-subscription",
    reach: "subscription",
    title: "Only the stack's own subscription is named",
    why: "Every Azure resource id starts with a subscription: naming another environment's reaches its servers, vaults, networks and role assignments.",
    remediation:
      "Use the id of a resource of this stack. If the subscription is shared on purpose, list it under `shared` in policies/inventory.yaml.",
    url: `${AZURE}/cloud-adoption-framework/ready/landing-zone/design-area/resource-org-subscriptions`,
  },
  {
    id: "ISO-002",
    name: "foreign-database",
    reach: "database",
    title: "Only the stack's own databases are named",
    why: "A host name is all a connection string needs; the report's worst misconfiguration is a non-production program on the production database.",
    remediation: "Take the host from the stack's own database output instead of writing it down.",
    url: `${AZURE}/postgresql/flexible-server/concepts-networking-private-link`,
  },
  {
    id: "ISO-003",
    name: "foreign-vault",
    reach: "vault",
    title: "Only the stack's own vaults are named",
    why: "A vault holds every credential of its environment, so reading one is reaching everything.",
    remediation:
      "Read secrets from the vault this stack declares; copy a value through a person, never through a stack.",
    url: `${AZURE}/key-vault/general/best-practices`,
  },
  {
    id: "ISO-004",
    name: "foreign-storage",
    reach: "storage",
    title: "Only the stack's own storage accounts are named",
    why: "Backups hold all the data a database holds; whoever reads the account needs no server.",
    remediation:
      "Use the storage account of this stack. Test data comes from the generator, never from a backup.",
    url: `${AZURE}/storage/blobs/security-recommendations`,
  },
  {
    id: "ISO-005",
    name: "foreign-cluster",
    reach: "cluster",
    title: "Only the stack's own clusters are named",
    why: "A cluster's API server can read every secret mounted there and open a tunnel to everything its network reaches.",
    remediation: "Take the kubeconfig from the cluster this stack declares.",
    url: `${AZURE}/aks/operator-best-practices-cluster-isolation`,
  },
  {
    id: "ISO-006",
    name: "foreign-address",
    reach: "address",
    title: "No address of another environment is named",
    why: "An address reaches a server as well as its name does, and no name server can refuse it.",
    remediation:
      "Use names of this stack's own resources; network rules may name foreign addresses only to refuse them.",
    url: `${AZURE}/virtual-network/concepts-and-best-practices`,
  },
  {
    id: "ISO-007",
    name: "foreign-name",
    reach: "name",
    title: "No resource group or network of another environment is named",
    why: "Child resources, peerings and deployments are addressed by group and network name; a wrong name changes another environment.",
    remediation: "Derive names from infra/naming.ts, which gives each environment its own.",
    url: `${AZURE}/azure-resource-manager/management/overview#resource-groups`,
  },
  {
    id: "ISO-008",
    name: "foreign-identity",
    reach: "identity",
    title: "No identity of another environment is used",
    why: "Whoever can act as an identity has all its rights, whatever network stands between.",
    remediation: "Use the workload identities this stack declares; each environment has its own set.",
    url: `${AZURE}/active-directory/workload-identities/workload-identities-overview`,
  },
  {
    id: "ISO-009",
    name: "foreign-secret",
    reach: "secret",
    title: "No secret of another environment is copied",
    why: "A password needs no host name beside it to be useful.",
    remediation: "Remove the value, rotate it where it came from, and generate one for this stack.",
    url: `${AZURE}/key-vault/secrets/secrets-best-practices`,
  },
  {
    id: "ISO-010",
    name: "foreign-stack",
    reach: "stackReference",
    title: "No other environment's stack is named",
    why: "A stack reference reveals all outputs of the other stack, secret ones in clear text; a tool that is told another stack, workspace, context or profile acts there.",
    remediation:
      "Let tools act on this environment only. Share through a stack that belongs to nobody, listed under `shared` in policies/inventory.yaml.",
    url: "https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences",
  },
  {
    id: "ISO-013",
    name: "foreign-public-host",
    reach: "host",
    title: "No public host name of another environment is used",
    why: "Behind another environment's public name stands its application: as an origin, an alias or a setting it leads this stack's requests to that environment's data.",
    remediation:
      "Use the host names of this stack's own edge. What several stacks may call on purpose is listed under `shared` in policies/inventory.yaml.",
    url: `${AZURE}/frontdoor/origin-security`,
  },
  {
    id: "ISO-011",
    name: "unreadable-content",
    reach: "opaque",
    title: "Content stays readable",
    why: "What expands without end cannot be judged, and what cannot be judged is refused.",
    remediation: "Store large compressed content outside the stack, e.g. in a container image.",
    url: "https://kubernetes.io/docs/concepts/configuration/configmap/",
  },
];

/** One rule per kind of thing a text can lead to; all read one scan of the resource. */
export const reachRules: readonly ResourceRule[] = ROWS.map(({ reach, ...row }) =>
  resourceRule({
    ...row,
    description: `No property, key, provider setting or stack configuration value holds ${WORDS[reach]} that is not this stack's own, in any encoding.`,
    appliesTo: "any",
    mcsb: reach === "identity" || reach === "secret" ? ["IM-3", "IM-8"] : ["NS-1", "NS-2"],
    check: (resource, context) => reached(resource, context, reach),
  }),
);

/** The same scan over what resources turned out to be: outputs, drift, and the stack's own outputs. */
export const outputRule: StackRule = stackRule({
  id: "ISO-012",
  name: "foreign-output",
  title: "Nothing foreign comes out of the stack",
  description:
    "Neither an output of a resource nor an exported stack output holds anything of another environment, in any encoding.",
  why: "Ignored changes and drift hide what an object really holds, and other stacks connect with what this one exports.",
  remediation: "Export only what belongs to this stack; refresh and correct a resource that drifted.",
  url: "https://www.pulumi.com/docs/iac/concepts/stacks/#outputs",
  appliesTo: "any",
  check: (stack, context) =>
    stack.resources.flatMap((resource) =>
      watchOf(context)
        .hitsOf(resource)
        .filter(({ isProse, reach }) => !isProse && !UNOWNED.has(reach))
        .map(({ path, decoding, environment, reach }) => ({
          urn: resource.urn,
          path,
          message: message(reach, environment),
          decoding,
          environment: whose(environment),
          origin: ROWS.find((row) => row.reach === reach)?.id,
        })),
    ),
});
