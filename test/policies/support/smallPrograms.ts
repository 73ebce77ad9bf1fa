import { isolationRules } from "../../../packages/isolation/rules";
import { UNKNOWN, type ResourceView, type Tree } from "../../../packages/isolation/rule";
import { Inspection } from "../../../policies/pack/adapter/inspection";
import { Waivers } from "../../../policies/pack/waivers";
import { INVENTORY } from "./smallInventory";

/** A resource of a small program. */
interface Sketch {
  readonly type: string;
  readonly name?: string;
  readonly props?: Record<string, unknown>;
  /** What it turned out to be; the inputs when absent. */
  readonly outputs?: Record<string, unknown>;
  readonly ignore?: readonly string[];
  readonly provider?: { readonly type: string; readonly props: Record<string, unknown> };
  /** URNs each property's value came from. */
  readonly from?: Readonly<Record<string, readonly string[]>>;
}

const urnOf = (stack: string, { type, name = "subject" }: Sketch): string =>
  `urn:pulumi:${stack}::shop::${type}::${name}`;

function viewOf(stack: string, sketch: Sketch): ResourceView {
  const { type, name = "subject", props = {}, ignore = [], provider, from = {} } = sketch;
  return {
    urn: urnOf(stack, sketch),
    type,
    name,
    props: props as Tree,
    unknownPaths: [],
    opts: { protect: false, ignoreChanges: ignore, aliases: [], additionalSecretOutputs: [] },
    ...(provider && {
      provider: { ...provider, urn: "urn:provider", name: "provider", props: provider.props as Tree },
    }),
    dependencies: [],
    propertyDependencies: from,
  };
}

/** What a rule says of a program in the preview of a stack: where, by resource and path. */
function told(rule: string, stack: string, program: readonly Sketch[]): string[] {
  const inspection = new Inspection({
    rules: isolationRules,
    inventory: INVENTORY,
    waivers: new Waivers([], ""),
    isDryRun: true,
    config: {},
  });
  const views = program.map((sketch) => viewOf(stack, sketch));
  const resources = views.map((view, index) => ({
    ...view,
    props: (program[index]?.outputs ?? view.props) as Tree,
  }));
  return [
    ...views.flatMap((view) => inspection.resource(view)),
    ...inspection.stack({ resources, byUrn: new Map(resources.map((one) => [one.urn, one])) }),
  ]
    .filter(({ ruleId }) => ruleId === rule)
    .map(({ urn, path }) => `${urn.split("::").at(-1) ?? ""} ${path}`.trimEnd());
}

/** An object with a value at a path such as `a.b[0].c`. */
function nested(path: string, value: unknown): Record<string, unknown> {
  const steps = [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) => index ?? key ?? "");
  return steps.reduceRight<unknown>(
    (inner, step) =>
      /^\d+$/.test(step) ? [...Array.from({ length: Number(step) }, () => ""), inner] : { [step]: inner },
    value,
  ) as Record<string, unknown>;
}

const object = (
  apiVersion: string,
  kind: string,
  rest: Record<string, unknown>,
  name = "subject",
): Sketch => ({
  type: `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`,
  name,
  props: {
    apiVersion,
    kind,
    ...rest,
    metadata: { name, namespace: "shop", ...(rest.metadata as object | undefined) },
  },
});
const configMap = (data: Record<string, unknown>, name = "subject"): Sketch =>
  object("v1", "ConfigMap", { data }, name);
const pod = (spec: Record<string, unknown>, name = "subject"): Sketch =>
  object("v1", "Pod", { spec: { containers: [{ name: "a", image: "a" }], ...spec } }, name);
/** A pod that reads a Secret. */
const reader = (secret: string): Sketch =>
  pod({ volumes: [{ name: "v", secret: { secretName: secret } }] }, "reader");
const custom = (spec: unknown, kind = "Thing", group = "things.example"): Sketch =>
  object(`${group}/v1`, kind, { spec });
const root = (outputs: Record<string, unknown>): Sketch => ({
  type: "pulumi:pulumi:Stack",
  name: "root",
  outputs,
});
const azure = (type: string, props: Record<string, unknown>): Sketch => ({
  type: `azure-native:${type}`,
  props,
});
const template = (resource: Record<string, unknown>): Sketch =>
  azure("resources:Deployment", { properties: { template: { resources: [resource] } } });

type Program = (text: string) => readonly Sketch[];
const inTrial = (rule: string, program: Program) => (text: string) => told(rule, "trial", program(text));
const inProd = (rule: string, program: Program) => (text: string) => told(rule, "live1", program(text));

const STRANGER = "abcdefab-1111-4222-8333-abcdefabcdef";
const FOREIGN_BLOCK = "10.20.0.0/16";
const SECRET_PATH = "secret/production/db";

/** What a rule says of a program that differs in one text, by what the text is. */
export const PROGRAMS: Readonly<Record<string, (text: string) => string[]>> = {
  "type of code": inTrial("ISO-050", (type) => [{ type }]),
  "type whose values code makes": inTrial("ISO-062", (type) => {
    const code = { type, name: "code" };
    const made = { ...configMap({ a: "b" }), from: { data: [urnOf("trial", code)] } };
    return [code, { ...made, outputs: { data: UNKNOWN } }];
  }),
  "type of a machine": inTrial("ISO-050", (type) => [{ type, props: { runCommands: [{ a: "b" }] } }]),
  "property of a machine": inTrial("ISO-050", (key) => [
    azure("compute:VirtualMachine", { a: { [key]: { b: "c" } } }),
  ]),
  "package setting": inTrial("ISO-050", (name) => [
    azure("web:WebApp", { siteConfig: { appSettings: [{ name, value: "https://example.com/x.zip" }] } }),
  ]),
  "package property": inTrial("ISO-050", (name) => [
    azure("web:WebApp", { siteConfig: { [name]: "https://example.com/x.zip" } }),
  ]),
  "address of a package": inTrial("ISO-050", (value) => [
    azure("web:WebApp", { siteConfig: { appSettings: [{ name: "WEBSITE_RUN_FROM_PACKAGE", value }] } }),
  ]),
  "address of a package by property": inTrial("ISO-050", (value) => [
    azure("web:WebApp", { siteConfig: { WEBSITE_RUN_FROM_PACKAGE: value } }),
  ]),
  "place of an engine": inTrial("ISO-050", (path) => [azure("app:Job", nested(path, "pulumi up"))]),
  "type of a deployment": inTrial("ISO-051", (type) => [
    { type, props: { properties: { templateLink: { uri: "x" } } } },
  ]),
  "link of a deployment": inTrial("ISO-051", (key) => [
    azure("resources:Deployment", { properties: { [key]: "x" } }),
  ]),
  "file of manifests": inTrial("ISO-052", (file) => [
    { type: "kubernetes:yaml:ConfigFile", props: { file } },
  ]),
  "type with a file of manifests": inTrial("ISO-052", (type) => [
    { type, props: { file: "https://example.com/x" } },
  ]),
  "property with a file of manifests": inTrial("ISO-052", (path) => [
    { type: "kubernetes:yaml:ConfigGroup", props: nested(path, "https://example.com/x") },
  ]),
  chart: inTrial("ISO-052", (chart) => [{ type: "kubernetes:helm.sh/v3:Release", props: { chart } }]),
  "type with a chart": inTrial("ISO-052", (type) => [{ type, props: { chart: "flux" } }]),
  "setting of a chart": inTrial("ISO-052", (key) => [
    { type: "kubernetes:helm.sh/v3:Release", props: { chart: "nginx", [key]: "x" } },
  ]),
  "type that replicates": inTrial("ISO-054", (type) => [{ type, props: { sourceAccount: "other" } }]),
  "account of a replication": inTrial("ISO-054", (sourceAccount) => [
    azure("storage:ObjectReplicationPolicy", {
      sourceAccount,
      properties: { destinationAccount: "stshoptrial" },
    }),
  ]),
  "service behind an endpoint": inTrial("ISO-055", (privateLinkServiceId) => [
    azure("network:PrivateEndpoint", {
      manualPrivateLinkServiceConnections: [{ properties: { privateLinkServiceId } }],
    }),
  ]),
  "type of a private link": inTrial("ISO-055", (type) => [
    {
      type,
      props: {
        privateLinkServiceConnections: [{ privateLinkServiceId: "alias" }],
        privateLinkServiceConnectionState: { status: "Approved" },
      },
    },
  ]),
  "state of a private link": inTrial("ISO-055", (status) => [
    azure("network:PrivateLinkServicePrivateEndpointConnection", {
      properties: { privateLinkServiceConnectionState: { status } },
    }),
  ]),
  "subscription a service admits": inTrial("ISO-055", (id) => [
    azure("network:PrivateLinkService", { visibility: { subscriptions: [id] } }),
  ]),
  "untyped resource in prod": inProd("ISO-057", (type) => [{ type }]),
  "type of code in prod": inProd("ISO-050", (type) => [{ type }]),

  "ignored property": inTrial("ISO-061", (path) => [{ type: "azure-native:app:Job", ignore: [path] }]),
  "ignored property of a server": inTrial("ISO-061", (path) => [
    { type: "azure-native:dbforpostgresql:Server", ignore: [path] },
  ]),
  "ignored property of an endpoint": inTrial("ISO-061", (path) => [
    { type: "azure-native:dbforpostgresql:VirtualEndpoint", ignore: [path] },
  ]),
  "ignored property of a network": inTrial("ISO-061", (path) => [
    { type: "azure-native:network:VirtualNetwork", ignore: [path] },
  ]),
  "ignored property of a cluster": inTrial("ISO-061", (path) => [
    { type: "azure-native:containerservice:ManagedCluster", ignore: [path] },
  ]),
  "ignored property of an app": inTrial("ISO-061", (path) => [
    { type: "azure-native:app:ContainerApp", ignore: [path] },
  ]),
  "type that ignores": inTrial("ISO-061", (text) => {
    const [type = "", ...ignore] = text.split(" ");
    return [{ type, ignore }];
  }),
  "type that takes from outside": inTrial("ISO-063", (type) => [{ type, from: { data: [] } }]),
  "text the stack exports": inProd("ISO-064", (text) => [root({ a: { b: [text] } })]),
  "type with a generated secret": inProd("ISO-064", (type) => [
    { type, outputs: { result: "g3nerated-secret" } },
    root({ a: "x g3nerated-secret" }),
  ]),

  "type of a database": inTrial("ISO-020", (type) => [
    { type, props: { createMode: "Replica", sourceServerResourceId: "psql" } },
  ]),
  "way to make a server": inTrial("ISO-020", (createMode) => [
    azure("dbforpostgresql:Server", { createMode, sourceServerResourceId: "psql" }),
  ]),
  "source of a server": inTrial("ISO-020", (sourceServerResourceId) => [
    azure("dbforpostgresql:Server", { createMode: "Replica", sourceServerResourceId }),
  ]),
  "type of a copy of unknown source": inTrial("ISO-021", (type) => [
    { type, outputs: { createMode: "Replica", sourceServerResourceId: UNKNOWN } },
  ]),

  "property of a network rule": inTrial("ISO-022", (key) => [
    azure("network:Thing", { a: { [key]: FOREIGN_BLOCK } }),
  ]),
  "host of a network rule": inTrial("ISO-022", (host) => [
    azure("network:FirewallPolicyRuleCollectionGroup", { a: { targetFqdns: [host] } }),
  ]),
  "wide address of a network rule": inTrial("ISO-022", (block) => [
    azure("network:SecurityRule", { destinationAddressPrefix: block }),
  ]),
  "type of a network rule": inTrial("ISO-022", (type) => [
    {
      type,
      props: {
        destinationAddressPrefix: FOREIGN_BLOCK,
        startIpAddress: "10.20.0.0",
        endIpAddress: "10.20.0.9",
      },
    },
  ]),
  "range of a firewall rule": inTrial("ISO-022", (text) => {
    const [startIpAddress, endIpAddress] = text.split(" ");
    return [azure("dbforpostgresql:FirewallRule", { startIpAddress, endIpAddress })];
  }),
  "group of a mesh": inTrial("ISO-022", (networkGroupId) => [
    azure("network:ConnectivityConfiguration", { appliesToGroups: [{ networkGroupId }] }),
  ]),
  "type of a mesh": inTrial("ISO-022", (type) => [
    { type, props: { appliesToGroups: [{ networkGroupId: "x" }] } },
  ]),
  "block of a network policy": inTrial("ISO-022", (cidr) => [
    object("networking.k8s.io/v1", "NetworkPolicy", {
      spec: { egress: [{ to: [{ ipBlock: { cidr } }] }], ingress: [{ from: [{ ipBlock: { cidr } }] }] },
    }),
  ]),
  "block of a network policy in prod": inProd("ISO-022", (cidr) => [
    object("networking.k8s.io/v1", "NetworkPolicy", {
      spec: { ingress: [{ from: [{ ipBlock: { cidr } }] }] },
    }),
  ]),
  "port of a network policy": inTrial("ISO-022", (text) => {
    const [port, endPort] = text.split("-").map((one) => (/^\d+$/.test(one) ? Number(one) : one));
    return [
      object("networking.k8s.io/v1", "NetworkPolicy", { spec: { egress: [{ ports: [{ port, endPort }] }] } }),
    ];
  }),
  "entity of a policy of Cilium": inTrial("ISO-022", (entity) => [
    object("cilium.io/v2", "CiliumNetworkPolicy", { spec: { egress: [{ toEntities: [entity] }] } }),
  ]),
  "key of a rule of Cilium": inTrial("ISO-022", (key) => [
    object("cilium.io/v2", "CiliumNetworkPolicy", {
      spec: { egress: [{ [key]: [{}], toPorts: [{ ports: [{ port: "5432" }] }] }] },
    }),
  ]),
  "pattern of a policy of Cilium": inTrial("ISO-022", (matchPattern) => [
    object("cilium.io/v2", "CiliumClusterwideNetworkPolicy", {
      specs: [{ egress: [{ toFQDNs: [{ matchPattern }] }] }],
    }),
  ]),
  "group of a policy": inTrial("ISO-022", (group) => [
    object(`${group}/v1`, "Policy", { spec: { egress: [{ nets: ["10.0.0.0/8"] }] } }),
  ]),
  "kind of a policy of Calico": inTrial("ISO-022", (kind) => [
    object("projectcalico.org/v3", kind, { spec: { egress: [{ action: "Allow" }] } }),
  ]),
  "action of a policy of Calico": inTrial("ISO-022", (action) => [
    object("projectcalico.org/v3", "NetworkPolicy", {
      spec: { egress: [{ action, destination: { ports: [5432] } }] },
    }),
  ]),
  "ports of a policy of Calico": inTrial("ISO-022", (text) => [
    object("projectcalico.org/v3", "GlobalNetworkPolicy", {
      spec: { egress: [{ action: "Allow", destination: { ports: [text] } }] },
    }),
  ]),
  "property of a policy": inTrial("ISO-022", (path) => [
    object("istio.io/v1", "Policy", { spec: nested(path, "10.0.0.0/8") }),
  ]),
  "kind with addresses": inTrial("ISO-022", (kind) => [
    object("cilium.io/v2", kind, { spec: { externalCIDRs: ["10.20.0.0/16"], x: ["10.0.0.0/8"] } }),
  ]),
  "use of a set of Cilium": inTrial("ISO-024", (path) => [
    object("cilium.io/v2", "CiliumCIDRGroup", { spec: { externalCIDRs: [FOREIGN_BLOCK] } }),
    object("cilium.io/v2", "CiliumNetworkPolicy", { spec: nested(path, "subject") }, "user"),
  ]),
  "name of a set of Cilium": inTrial("ISO-024", (cidrGroupRef) => [
    object("cilium.io/v2", "CiliumCIDRGroup", { spec: { externalCIDRs: [FOREIGN_BLOCK] } }),
    object("cilium.io/v2", "CiliumNetworkPolicy", { spec: { egressDeny: [{ cidrGroupRef }] } }, "user"),
  ]),
  "selector of a set of Calico": inTrial("ISO-024", (selector) => [
    object("projectcalico.org/v3", "GlobalNetworkSet", {
      metadata: { labels: { role: "live", "a.b/c": "d" } },
      spec: { nets: [FOREIGN_BLOCK] },
    }),
    object(
      "projectcalico.org/v3",
      "GlobalNetworkPolicy",
      {
        spec: {
          egress: [
            { action: "Deny", destination: { selector: "role == 'live'" } },
            { action: "Allow", destination: { selector } },
          ],
        },
      },
      "user",
    ),
  ]),
  "kind of a set": inTrial("ISO-024", (kind) => [
    object("projectcalico.org/v3", kind, { spec: { nets: [FOREIGN_BLOCK] } }),
  ]),
  "type of a set": inTrial("ISO-024", (type) => [{ type, props: { ipAddresses: [FOREIGN_BLOCK] } }]),
  "type that refuses a set": inTrial("ISO-024", (type) => [
    azure("network:IpGroup", { ipGroupsName: "live", ipAddresses: [FOREIGN_BLOCK] }),
    { type, name: "user", props: { a: { action: { type: "Deny" }, sourceIpGroups: ["/x/live"] } } },
  ]),
  "property that refuses a set": inTrial("ISO-024", (key) => [
    azure("network:IpGroup", { ipGroupsName: "live", ipAddresses: [FOREIGN_BLOCK] }),
    { ...azure("network:FirewallPolicy", { a: { action: "Deny", [key]: ["/x/live"] } }), name: "user" },
  ]),

  "text of a client": inTrial("ISO-023", (text) => [
    object("v1", "Namespace", {}, "shop"),
    configMap({ a: text }, "settings"),
    pod({ containers: [{ name: "a", image: "a", envFrom: [{ configMapRef: { name: "settings" } }] }] }),
  ]),
  "text of a client in a secret": inTrial("ISO-023", (text) => [
    object("v1", "Namespace", {}, "shop"),
    object("v1", "Secret", { data: { a: Buffer.from(text).toString("base64") } }, "settings"),
    pod({ containers: [{ name: "a", image: "a", envFrom: [{ secretRef: { name: "settings" } }] }] }),
  ]),

  "scope of a right": inTrial("ISO-030", (scope) => [azure("authorization:RoleAssignment", { scope })]),
  "scope of another resource": inTrial("ISO-030", (scope) => [azure("consumption:Budget", { scope })]),
  "scope in a list": inTrial("ISO-030", (scope) => [
    azure("authorization:RoleDefinition", { scopes: [scope] }),
  ]),
  "property with a scope": inTrial("ISO-030", (key) => [azure("authorization:Thing", { [key]: "/" })]),
  "type with a scope": inTrial("ISO-030", (type) => [{ type, props: { scope: "/providers/x" } }]),
  "type of a right": inTrial("ISO-030", (type) => [{ type, props: { scope: "/" } }]),
  "subject of a credential": inTrial("ISO-031", (subject) => [
    azure("managedidentity:FederatedIdentityCredential", { subject }),
  ]),
  "subject of a credential in prod": inProd("ISO-031", (subject) => [
    azure("managedidentity:FederatedIdentityCredential", { subject }),
  ]),
  "expression of a credential": inTrial("ISO-031", (value) => [
    azure("managedidentity:FederatedIdentityCredential", { claimsMatchingExpression: { value } }),
  ]),
  "type of a credential": inTrial("ISO-031", (type) => [{ type, props: { subject: "a*" } }]),
  "type that gives rights": inProd("ISO-032", (type) => [
    { type, props: { principalId: STRANGER, aadProfile: { adminGroupObjectIDs: [STRANGER] } } },
  ]),
  "type of a vault": inProd("ISO-032", (type) => [
    {
      type,
      props: { properties: { accessPolicies: [{ objectId: STRANGER }] }, policy: { objectId: STRANGER } },
    },
  ]),
  "subject of a binding": inProd("ISO-032", (name) => [
    object("rbac.authorization.k8s.io/v1", "RoleBinding", { subjects: [{ name }] }),
  ]),
  "type of an identity": inProd("ISO-032", (type) => [
    { type, outputs: { principalId: STRANGER } },
    { ...azure("authorization:RoleAssignment", { principalId: STRANGER }), name: "right" },
  ]),
  "property of an identity": inProd("ISO-032", (path) => [
    { ...azure("app:ContainerApp", {}), outputs: nested(path, STRANGER) },
    { ...azure("authorization:RoleAssignment", { principalId: STRANGER }), name: "right" },
  ]),
  "repository of a credential": inProd("ISO-033", (subject) => [
    azure("managedidentity:FederatedIdentityCredential", {
      issuer: "https://token.actions.githubusercontent.com",
      subject,
    }),
  ]),
  "issuer of a credential": inTrial("ISO-033", (issuer) => [
    {
      type: "azure-native:containerservice:ManagedCluster",
      name: "cluster",
      provider: { type: "p", props: {} },
      outputs: { oidcIssuerProfile: { issuerURL: "https://oidc.own-aks.example/a/b/" } },
    },
    azure("managedidentity:FederatedIdentityCredential", { issuer, subject: "a" }),
  ]),
  "property of a client": inTrial("ISO-034", (key) => [custom({ [key]: STRANGER })]),
  "property of a client of Azure": inTrial("ISO-034", (key) => [
    azure("app:Thing", { a: { [key]: STRANGER } }),
  ]),
  "setting of a client": inTrial("ISO-034", (name) => [
    azure("app:Thing", { env: [{ name, value: STRANGER }] }),
  ]),
  "kind of a client": inTrial("ISO-034", (text) => {
    const [kind = "", key = ""] = text.split(" ");
    return [custom({ [key]: STRANGER }, kind)];
  }),
  "text that signs in": inTrial("ISO-034", (text) => [configMap({ a: text.replace("WHO", STRANGER) })]),
  "property a machine starts with": inTrial("ISO-034", (key) => [
    azure("compute:Thing", { [key]: Buffer.from(`az login -u ${STRANGER}`).toString("base64") }),
  ]),

  "type of a provider of Azure": inTrial("ISO-040", (type) => [
    { type: "azure-native:app:Job", provider: { type, props: {} } },
  ]),
  "type of a provider": inTrial("ISO-042", (type) => [{ type }]),
  "provider of a resource": inTrial("ISO-042", (type) => [
    { type: "azure-native:app:Job", provider: { type, props: {} } },
  ]),
  kubeconfig: inTrial("ISO-041", (kubeconfig) => [
    { type: "pulumi:providers:kubernetes", props: { kubeconfig } },
  ]),
  "type with a kubeconfig": inTrial("ISO-041", (type) => [{ type, props: {} }]),
  "server of a kubeconfig": inTrial("ISO-041", (server) => [
    {
      type: "pulumi:providers:kubernetes",
      props: { kubeconfig: JSON.stringify({ clusters: [{ cluster: { server } }] }) },
    },
  ]),
  "setting of a provider": inTrial("ISO-043", (text) => {
    const [name = "", key = ""] = text.split(" ");
    return [{ type: `pulumi:providers:${name}`, props: { [key]: "x" } }];
  }),

  "path of a secret": inTrial("ISO-059", (text) => {
    const [kind = "", path = ""] = text.split(" ");
    return [custom(nested(path, SECRET_PATH), kind)];
  }),
  "path of a header": inTrial("ISO-059", (key) => [custom({ headers: { [key]: SECRET_PATH } }, "VaultAuth")]),
  "component of a secret": inTrial("ISO-059", (path) => [
    object("dapr.io/v1", "Component", nested(path, SECRET_PATH)),
  ]),
  "annotation of a secret": inTrial("ISO-059", (key) => [
    object("v1", "Pod", { metadata: { annotations: { [key]: SECRET_PATH } } }),
  ]),
  "reference to a secret in a text": inTrial("ISO-059", (text) => [
    configMap({ a: `${text} production/db` }),
  ]),

  "property that names a secret": inTrial("ISO-056", (path) => [custom(nested(path, "ours"))]),
  "property of a chart that names a secret": inTrial("ISO-056", (path) => [
    { type: "kubernetes:helm.sh/v3:Release", props: { name: "app", values: nested(path, "ours") } },
  ]),
  "property of Kubernetes that names a secret": inTrial("ISO-056", (path) => [
    object("apps/v1", "Deployment", { spec: nested(path, "ours") }),
  ]),
  "kind that names a secret": inTrial("ISO-056", (kind) => [
    object("things.example/v1", kind, { spec: { secretName: "ours" } }),
  ]),
  "group that names a secret": inTrial("ISO-056", (group) => [
    object(group === "" ? "v1" : `${group}/v1`, "Thing", {
      spec: { a: { name: "ours", key: "b" }, b: { secret: "ours" } },
    }),
  ]),
  "annotation that names a secret": inTrial("ISO-056", (key) => [
    object("v1", "Service", { metadata: { annotations: { [key]: "ours" } } }),
  ]),
  "name of a secret": inTrial("ISO-056", (secretName) => [
    object("v1", "Secret", { metadata: { namespace: "other" } }, "ours"),
    custom({ secretName }),
  ]),
  "namespace beside a secret": inTrial("ISO-056", (text) => {
    const [key = "", namespace = ""] = text.split(" ");
    return [
      object("v1", "Secret", { metadata: { namespace: "other" } }, "ours"),
      custom({ a: { secretName: "ours", [key]: namespace } }),
    ];
  }),
  "group that makes secrets": inTrial("ISO-056", (group) => [
    object(`${group}/v1`, "Cluster", { spec: { destination: { name: "made" } } }, "ours"),
    reader("ours-admin"),
    { ...reader("made"), name: "second" },
  ]),
  "secret of an operator": inTrial("ISO-056", (secret) => [
    object("acid.zalan.do/v1", "postgresql", {}, "ours"),
    reader(secret),
  ]),
  "kind that makes a secret": inTrial("ISO-056", (text) => {
    const [group = "", kind = "", secret = ""] = text.split(" ");
    return [
      object(
        `${group}/v1`,
        kind,
        {
          spec: { secretName: "made", acme: { privateKeySecretRef: { name: "key" } } },
          values: { a: { fullnameOverride: "other" } },
        },
        "ours",
      ),
      reader(secret),
    ];
  }),
  "annotation that makes a secret": inTrial("ISO-056", (key) => [
    object("networking.k8s.io/v1", "Ingress", {
      metadata: { annotations: { [key]: "x" } },
      spec: {
        tls: [{ secretName: "made" }],
        listeners: [{ tls: { certificateRefs: [{ name: "listened" }] } }],
      },
    }),
    reader("made"),
    { ...reader("listened"), name: "second" },
  ]),
  "kind a claim is made from": inTrial("ISO-056", (kind) => [
    object("v1", "PersistentVolumeClaim", { spec: { dataSource: { kind, name: "other" } } }),
  ]),
  "group with triggers": inTrial("ISO-056", (group) => [
    object(`${group}/v1`, "ScaledObject", { spec: { triggers: [{ authenticationRef: { name: "other" } }] } }),
  ]),
  "kind with a remote namespace": inTrial("ISO-056", (kind) => [
    custom({ provider: { kubernetes: { remoteNamespace: "other" } } }, kind),
  ]),

  "resource of a template": inTrial("ISO-058", (type) => [template({ type })]),
  "type in a template": inTrial("ISO-058", (type) => [azure("resources:Deployment", { a: { type } })]),
  "scope of a resource of a template": inTrial("ISO-058", (scope) => [
    template({ type: "Microsoft.Storage/storageAccounts", scope }),
  ]),
  "type that carries templates": inTrial("ISO-058", (type) => [
    { type, props: { a: { type: "Microsoft.Unheard/things" } } },
  ]),
  "list of resources": inTrial("ISO-058", (key) => [
    azure("resources:Deployment", { a: { [key]: [{ type: "things" }] } }),
  ]),
  "type that carries manifests": inTrial("ISO-058", (type) => [
    { type, props: { a: "apiVersion: unheard.example/v1\nkind: Thing\nmetadata: {}" } },
  ]),
  "kind in a manifest": inTrial("ISO-058", (kind) => [
    object("v1", kind, { a: { apiVersion: "unheard.example/v1", kind: "Thing", metadata: {} } }),
  ]),
  "kind below": inTrial("ISO-058", (kind) => [
    object("apps/v1", "Deployment", { a: { apiVersion: "apps/v1", kind, spec: {} } }),
  ]),
  "resource a role impersonates": inTrial("ISO-058", (resource) => [
    object("rbac.authorization.k8s.io/v1", "ClusterRole", {
      rules: [{ verbs: ["impersonate"], resources: [resource] }],
    }),
  ]),
  "kind of a role": inTrial("ISO-058", (kind) => [
    object("rbac.authorization.k8s.io/v1", kind, {
      rules: [{ verbs: ["create"], resources: ["serviceaccounts/token"] }],
    }),
  ]),

  "file a shell reads": inTrial("ISO-065", (command) => [
    configMap({ part: "psql-shop", "b.c": "kv-shop" }, "settings"),
    pod({
      containers: [
        {
          name: "a",
          image: "a",
          command: ["sh", "-c", command],
          volumeMounts: [{ name: "v", mountPath: "/etc/settings//" }],
        },
      ],
      volumes: [{ name: "v", configMap: { name: "settings" } }],
    }),
  ]),
};
