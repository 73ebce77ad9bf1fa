import type { ResourceFixture } from "./fixture";
import { FORMS } from "./forms";
import { azure, configMap, deployment, kubernetes, type prod, staging } from "./vectors";

type Environment = typeof prod;

/** What leads to an environment, by name; each environment's own stands in the same place. */
export const TARGETS: Readonly<Record<string, (of: Environment) => string>> = {
  host: ({ host }) => host,
  "writer endpoint": ({ writer }) => writer,
  "private link host": ({ server }) => `${server}.privatelink.postgres.database.azure.com`,
  "connection string": ({ dsn }) => dsn,
  "JDBC URL": ({ host }) => `jdbc:postgresql://${host}:5432/forma3d?sslmode=require`,
  "vault URL": ({ vaultUrl }) => `${vaultUrl}secrets/database`,
  "vault reference": ({ vault }) => `@Microsoft.KeyVault(VaultName=${vault};SecretName=database)`,
  "blob URL": ({ blobUrl }) => `${blobUrl}/daily/latest.dump?sv=2024-11-04&sig=abc`,
  "account of a connection string": ({ account }) =>
    `DefaultEndpointsProtocol=https;AccountName=${account};EndpointSuffix=core.windows.net`,
  "server id": ({ serverId }) => serverId,
  "subnet id": ({ subnetId }) => subnetId,
  "management URL": ({ clusterId }) => `https://management.azure.com${clusterId}?api-version=2025-01-01`,
  "API server": ({ apiHost }) => `https://${apiHost}:443`,
  "public host": ({ config }) => `https://${config.edge.apiHostName}/orders`,
  address: ({ address }) => `postgresql://api@${address}:5432/forma3d`,
  identity: ({ region }) => `identity: ${region.identities.api}`,
  "resource group": ({ region }) => `az group show --name ${region.resourceGroup}`,
  workspace: ({ names }) => `workspace('${names.logWorkspace}').Requests`,
  "witness of a failover": ({ names }) =>
    `az storage blob list --account-name ${names.servingWitness?.storageAccount ?? names.backups.primary.storageAccount}`,
};

const write = (...names: string[]): readonly ((text: string) => string)[] =>
  FORMS.filter(({ name }) => names.includes(name)).map((form) => (text) => form.write(text) as string);

/** Changes of letters that name the same, before anything is encoded. */
export const SPELLINGS = [
  (text: string) => text,
  ...write("mixed case", "trailing dot", "invisible characters", "full width"),
];
/** Encodings that fit into each other in any order. */
export const ENCODINGS = write(
  "percent",
  "base64",
  "base64url",
  "base64 in lines",
  "utf-16 in base64",
  "gzip in base64",
  "hexadecimal",
  "JSON in a string",
  "JSON with escapes",
  "YAML in a string",
  "JSON in base64 in YAML",
);

const template = (value: string): object => ({
  resources: [
    {
      type: "Microsoft.Resources/deployments",
      properties: {
        template: JSON.stringify({
          resources: [{ type: "Microsoft.KeyVault/vaults/secrets", name: "own/x", properties: { value } }],
        }),
      },
    },
  ],
});

/** Resources of every family with a place for a text, of staging's own otherwise. */
export const PLACES: readonly ((text: string) => ResourceFixture)[] = [
  (text) => configMap({ "app.conf": text }),
  (text) => kubernetes("core/v1:Secret", { stringData: { value: text } }),
  (text) => deployment({ env: [{ name: "SETTING", value: text }] }),
  (text) => deployment({ args: ["--setting", text] }),
  (text) => kubernetes("core/v1:List", { items: [{ ...configMap({ a: text }).props }] }),
  (text) => kubernetes("helm.sh/v3:Release", { chart: "app", values: { a: { b: [{ c: text }] } } }),
  (text) =>
    kubernetes("keda.sh/v1alpha1:ScaledObject", { spec: { triggers: [{ metadata: { connection: text } }] } }),
  (text) => kubernetes("dapr.io/v1alpha1:Component", { spec: { metadata: [{ name: "url", value: text }] } }),
  (text) =>
    kubernetes("networking.k8s.io/v1:Ingress", {
      metadata: { annotations: { "example.org/upstream": text } },
    }),
  (text) => kubernetes("opentelemetry.io/v1beta1:OpenTelemetryCollector", { spec: { config: { x: text } } }),
  (text) => azure("compute:VirtualMachine", { vmName: "runner", osProfile: { customData: text } }),
  (text) => azure("compute:VirtualMachineScaleSet", { virtualMachineProfile: { userData: text } }),
  (text) => azure("web:WebAppApplicationSettings", { properties: { SETTING: text } }),
  (text) => azure("logic:Workflow", { definition: { actions: { call: { inputs: { uri: text } } } } }),
  (text) => azure("apimanagement:NamedValue", { value: text }),
  (text) => azure("app:ContainerApp", { template: { containers: [{ env: [{ name: "A", value: text }] }] } }),
  (text) => azure("eventgrid:EventSubscription", { destination: { endpointUrl: text } }),
  (text) => azure("appconfiguration:KeyValue", { value: text }),
  (text) => azure("keyvault:Secret", { vaultName: staging.vault, properties: { value: text } }),
  (text) => azure("resources:Deployment", { properties: { template: template(text) } }),
  (text) =>
    azure("resources:ResourceGroup", { resourceGroupName: staging.region.resourceGroup, tags: { a: text } }),
];

const octets = (cidr: string): string[] => (cidr.split("/")[0] ?? "").split(".");
const hex = (octet: string | undefined): string => Number(octet).toString(16).padStart(2, "0");

/** Ways to write a block of 16 bits. */
export const BLOCKS: readonly ((cidr: string) => string)[] = [
  (cidr) => cidr,
  (cidr) => `${octets(cidr).slice(0, 2).join(".")}/16`,
  (cidr) => `${octets(cidr).slice(0, 2).join(".")}.*.*`,
  (cidr) => `${octets(cidr).slice(0, 2).join(".")}.0-255.*`,
  (cidr) => `${octets(cidr).slice(0, 2).join(".")}.0.0-${octets(cidr).slice(0, 2).join(".")}.255.255`,
  (cidr) => `${octets(cidr).slice(0, 2).join(".")}.0.9 to ${octets(cidr).slice(0, 2).join(".")}.7.1`,
  (cidr) => `${octets(cidr).join(".")} 255.255.0.0`,
  (cidr) => `${octets(cidr).join(".")}/255.255.0.0`,
  (cidr) => `${octets(cidr).join(".")}/0.0.255.255`,
  (cidr) => `::ffff:${octets(cidr).join(".")}/112`,
  (cidr) => `64:ff9b::${octets(cidr).join(".")}/112`,
  (cidr) => {
    const [a, b, c, d] = octets(cidr);
    return `2002:${hex(a)}${hex(b)}:${hex(c)}${hex(d)}::/32`;
  },
];

/** Places of every kind of rule that lets traffic through. */
export const NETWORKS: readonly ((block: string) => ResourceFixture)[] = [
  (block) =>
    azure("network:NetworkSecurityGroup", {
      securityRules: [
        { name: "out", access: "Allow", direction: "Outbound", destinationAddressPrefixes: [block] },
      ],
    }),
  (block) => azure("network:RouteTable", { routes: [{ addressPrefix: block, nextHopType: "VnetLocal" }] }),
  (block) => azure("network:IpGroup", { ipGroupsName: "group", ipAddresses: [block] }),
  (block) =>
    azure("network:FirewallPolicyRuleCollectionGroup", {
      ruleCollections: [{ action: { type: "Allow" }, rules: [{ destinationAddresses: [block] }] }],
    }),
  (block) => azure("network:LocalNetworkGateway", { localNetworkAddressSpace: { addressPrefixes: [block] } }),
  (block) =>
    azure("network:VirtualNetworkGatewayConnection", {
      trafficSelectorPolicies: [{ remoteAddressRanges: [block] }],
    }),
  (block) =>
    kubernetes("networking.k8s.io/v1:NetworkPolicy", {
      spec: { policyTypes: ["Egress"], egress: [{ to: [{ ipBlock: { cidr: block } }] }] },
    }),
  (block) => kubernetes("cilium.io/v2:CiliumNetworkPolicy", { spec: { egress: [{ toCIDR: [block] }] } }),
  (block) => kubernetes("cilium.io/v2:CiliumEgressGatewayPolicy", { spec: { destinationCIDRs: [block] } }),
  (block) =>
    kubernetes("projectcalico.org/v3:GlobalNetworkPolicy", {
      spec: { egress: [{ action: "Allow", destination: { nets: [block] } }] },
    }),
  (block) =>
    kubernetes("networking.istio.io/v1:ServiceEntry", { spec: { hosts: ["db.own"], addresses: [block] } }),
];

const GITHUB = "https://token.actions.githubusercontent.com";
const credential = (properties: object): ResourceFixture =>
  azure("managedidentity:FederatedIdentityCredential", {
    resourceName: staging.region.identities.api,
    issuer: GITHUB,
    audiences: ["api://AzureADTokenExchange"],
    ...properties,
  });

/** Credentials that trust whoever is called like an environment. */
export const SUBJECTS: readonly ((environment: string) => ResourceFixture)[] = [
  (name) => credential({ subject: `repo:forma3d/platform:environment:${name}` }),
  (name) => credential({ subject: `repo:forma3d/platform:environment:${name.toUpperCase()}` }),
  (name) => credential({ subject: `repo:forma3d/platform:environment:${name}-read` }),
  (name) => credential({ subject: `repo:forma3d@1/platform@2:environment:${name}-preview` }),
  (name) => credential({ subject: `repo:forma3d/platform:ref:refs/heads/release/${name}` }),
  (name) =>
    credential({
      subject: `repo:forma3d/platform:environment:%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    }),
  (name) => credential({ subject: `system:serviceaccount:forma3d-${name}:api` }),
  (name) => credential({ subject: `system:serviceaccount:forma3d:${name}-api` }),
  (name) =>
    credential({
      claimsMatchingExpression: { value: `claims['sub'] eq 'repo:forma3d/platform:environment:${name}'` },
    }),
];

const SPELLED_PATHS: readonly ((environment: string) => string)[] = [
  (name) => `${name}/database`,
  (name) => `${name}-db-password`,
  (name) => `orders_db_${name}`,
  (name) => `${name}DbPassword`,
  (name) => `TEAM/${name.toUpperCase()}/DB`,
  (name) => encodeURIComponent(`kv/${name}/db`),
];
/** Paths of secrets of an environment in a store that holds those of several. */
export const SECRET_PATHS: readonly ((environment: string) => ResourceFixture)[] = SPELLED_PATHS.map(
  (path) => (name) =>
    kubernetes("external-secrets.io/v1:PushSecret", {
      spec: { data: [{ match: { remoteRef: { remoteKey: path(name) } } }] },
    }),
);

const calls: readonly ((environment: string) => string[])[] = [
  (name) => ["kubectl", "--context", name, "get", "secrets"],
  (name) => ["/usr/local/bin/helm", "upgrade", `--kube-context=${name}`, "app", "chart"],
  (name) => ["az", "account", "set", "-s", `forma3d-${name}`],
  (name) => ["gh", "workflow", "run", "deploy.yml", "-f", `environment=${name}`],
  (name) => ["pulumi", "stack", "output", "--show-secrets", "-s", `acme/forma3d/${name}`],
  (name) => ["vault", "kv", "get", `secret/${name}/db`],
  (name) => ["ansible-playbook", "-i", `inventories/${name}`, "site.yml"],
  (name) => ["kubectl", "--kubeconfig", `/etc/${name}.kubeconfig`, "get", "secrets"],
  (name) => ["npm", "run", "gate", "--", "run", "update", "--stack", name],
  (name) => ["sh", "-c", `make -C infra deploy ENV=${name}`],
  (name) => ["sh", "-c", `PGSERVICE=${name} psql -c 'select 1'`],
  (name) => ["terraform", "output", `-var-file=${name}.tfvars`, "--var-file", `${name}.tfvars`],
  (name) => ["sh", "-c", `kubectl config use-context ${name} && kubectl get secrets`],
  (name) => [
    "sh",
    "-c",
    `echo '${Buffer.from(`doppler run --config ${name}`).toString("base64")}' | base64 -d | sh`,
  ],
];

/** Tools that are told on which environment to act. */
export const COMMANDS: readonly ((environment: string) => ResourceFixture)[] = calls.flatMap((call) => [
  (name: string) => deployment({ command: call(name) }),
  (name: string) => deployment({ command: call(name).slice(0, 1), args: call(name).slice(1) }),
  (name: string) =>
    kubernetes("batch/v1:CronJob", {
      spec: {
        jobTemplate: {
          spec: { template: { spec: { initContainers: [{ command: call(name) }], containers: [] } } },
        },
      },
    }),
  (name: string) => azure("app:Job", { template: { containers: [{ name: "tool", command: call(name) }] } }),
]);
