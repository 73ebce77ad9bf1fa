import type { Change } from "./changes";

/** Why a change that nobody refuses weakens nothing. */
const BECAUSE = {
  prose: "a text for people, or a label nothing selects by",
  name: "a name leads elsewhere instead of being weaker; whose it is, the reach rules judge",
  demanded: "Azure or Kubernetes refuses the request without it, before anything is changed",
  standard: "what the service does without it is the same",
  less: "a right, a reach or a secret less: what needed it fails at once and pages",
  breaks: "what runs or answers there stops at once, which health probes and alerts tell",
  stricter: "the other direction is the weaker one",
  size: "a size within what the stack file allows; too little shows as an alert of capacity",
  cost: "costs more or less, and protects the same",
} as const;

export type Reason = keyof typeof BECAUSE;

interface Harmless {
  readonly because: Reason;
  /** Types it is said of; absent: all. */
  readonly type?: RegExp;
  readonly path: RegExp;
  readonly how?: readonly Change["how"][];
}

/** Reviewed list: what is on none of its lines counts as harmful. */
const HARMLESS: readonly Harmless[] = [
  {
    because: "prose",
    path: /(?:^|\.)tags(?:\.|$)|(?:^|\.)(?:description|notes|displayName|contentType|summary|locale)$/,
  },
  {
    because: "prose",
    type: /:ValidatingAdmissionPolicy$/,
    path: /validations\[\]\.(?:messageExpression|reason)$/,
  },
  { because: "prose", path: /(?:^|\.)metadata(?:\.labels|\.annotations)?(?:\..*)?$/ },
  {
    because: "prose",
    path: /annotations\.(?!runbook_url)\w+$|labels\.(?:slo|owner|rotation_days|receiver)$/,
  },
  {
    because: "name",
    path: /(?:^|\.|\])(?:\w*[nN]ame|resourceGroupName|location|apiVersion|kind|configurationName)$/,
    how: ["remove"],
  },
  {
    because: "demanded",
    path: /(?:^|\.)(?:resourceUri|scope|scopes(?:\[\])?|tenantId|vaultName|principalId|principalType|roleDefinitionId|sku(?:\.\w+)?|type|properties|protocol|operator|matchVariable|ruleType|odataType|criteria|parameters|policy(?:\.rules)?|definition|addressPrefix|addressSpace(?:\.addressPrefixes)?|identity|dnsPrefix|roleName|roleType|privateLinkServiceConnections(?:\[\])?|collation|charset)$/,
    how: ["remove"],
  },
  {
    because: "demanded",
    type: /^kubernetes/,
    path: /^(?:spec|data|roleRef(?:\.\w+)?|subjects(?:\[\])?(?:\.\w+)?|spec\.(?:selector|template|jobTemplate|ports|provider|parameters|metrics\[\](?:\.\w+)*))$/,
    how: ["remove"],
  },
  {
    because: "less",
    type: /:Role(?:Assignment|Definition|Binding)?$|FederatedIdentityCredential$|UserAssignedIdentity$|keyvault.*:Secret$|AdministratorsMicrosoftEntra$/,
    path: /^/,
  },
  // A group and addresses of another cluster's region: Azure refuses them.
  {
    because: "demanded",
    type: /:ManagedCluster$/,
    path: /^(?:nodeResourceGroup|networkProfile)$/,
    how: ["swap"],
  },
  // Nodes reach their API server from their own region's addresses only.
  { because: "breaks", type: /:ManagedCluster$/, path: /^apiServerAccessProfile$/, how: ["swap"] },
  {
    because: "demanded",
    type: /dbforpostgresql[^:]*:Server$/,
    path: /^administratorLogin$/,
    how: ["remove"],
  },
  // Two of one name: Azure and Kubernetes refuse the second, and what the first was for is missing.
  { because: "name", path: /(?:^|\.)(?:\w*[nN]ame|metadata)$/, how: ["swap"] },
  { because: "breaks", type: /^pulumi:/, path: /^/ },
  { because: "breaks", type: /^random:/, path: /^(?!length$)/ },
  {
    because: "breaks",
    type: /:(?:Deployment|CronJob|Job|DaemonSet)$/,
    path: /\.(?:command|args|ports|volumeMounts|volumes|lifecycle)(?:\[\])?(?:\..*)?$|\.(?:httpGet|port|path|containers|initContainers)(?:\[\])?$/,
  },
  {
    because: "breaks",
    type: /:(?:Deployment|CronJob|Job|DaemonSet)$/,
    path: /\.(?:image|env)(?:\[\])?(?:\..*)?$/,
    how: ["remove", "raise"],
  },
  {
    because: "breaks",
    path: /(?:^|\.)(?:httpPort|httpsPort|targetPort|containerPort|port|hostName|workloadProfiles|workloadProfileName)(?:\[\])?(?:\..*)?$/,
  },
  {
    because: "size",
    path: /\.resources\.(?:limits|requests)\.(?:cpu|memory|ephemeral-storage)$|\.(?:cpu|memory)$/,
    how: ["lower", "raise"],
  },
  {
    because: "size",
    type: /AgentPool$|ManagedCluster$/,
    path: /(?:count|minCount|maxCount|maxPods|osDiskSizeGB|vmSize|maxSurge)$/,
  },
  { because: "prose", type: /:PodMonitor$/, path: /elabelings\[\](?:\.\w+)*(?:\[\])?$/ },
  { because: "breaks", type: /:PodMonitor$/, path: /authorization|metricRelabelings/ },
  { because: "standard", type: /:PodMonitor$/, path: /scrapeTimeout$/ },
  {
    because: "size",
    path: /onExitCodes\.values\[\]$|securityContext\.(?:fsGroup\w*|runAsGroup|runAsUser)$|[sS]econds\w*$|[mM]inutes$|backoffLimit$|Replicas$|requests\.storage$|defaultRequest\.\S+$|default\.\S+$|maintenanceWindow\.\w+$|timeInWeek\[\]\S*$|customBlockResponseStatusCode$|weight$|retryPolicy\.\w+$|intervalHours$|rotationPollInterval$/,
  },
  {
    because: "demanded",
    path: /^spec\.schedule$|metrics\[\]\.category$|recurrences\[\]\S*|Workflow|schedule\.timeZone$|(?:sourcePortRange|osType|\$schema|contentVersion|outputs|kubeletidentity\.\w+|userAssignedIdentities(?:\[\])?|storageType|cidr|managedEnvironmentId|weekly\.\w+)$/,
  },
  { because: "stricter", type: /AlertProcessingRule/, path: /^/ },
  {
    because: "stricter",
    type: /:NetworkPolicy$/,
    path: /^spec\.(?:ingress|egress)(?:\[\](?:\.(?:from|to|ports)\[\](?:\.namespaceSelector)?)?)?$/,
    how: ["remove"],
  },
  { because: "stricter", type: /Subnet$/, path: /^private\w+NetworkPolicies$/ },
  {
    because: "stricter",
    path: /(?:authorizedIPRanges\[\]|destinationPortRanges\[\]|supportedProtocols\[\]|enableDdosProtection|enableVmProtection|zoneRedundant|fileCSIDriver\.enabled)$/,
  },
  {
    because: "standard",
    path: /(?:availabilityZone|standbyAvailabilityZone|passwordAuth|storageSizeGB|enableSoftDelete|keyType|isLocalUserEnabled|isSftpEnabled|changeFeed\.retentionInDays|labelIncludeFilter|networkAcls(?:\.publicNetworkAccess)?|idleTimeoutInMinutes|enableNodePublicIP|replicas|whenUnsatisfiable|activeRevisionsMode|transport|supportPlan|kubeStateMetrics\S*|dnsServiceIP|podCidr|serviceCidr|nodeResourceGroup|externalTrafficPolicy|podSelector|securityRules|zoneRedundant|maxSurge)$/,
    how: ["remove"],
  },
  // Azure refuses a category that is another kind of resource's.
  { because: "demanded", type: /:DiagnosticSetting$/, path: /^(?:logs|metrics)$/, how: ["swap"] },
  // A resource without metrics of its own sends none; where it has some, the statement asks for them.
  { because: "standard", type: /:DiagnosticSetting$/, path: /^metrics$/, how: ["remove"] },
  // A retention that is off deletes nothing, whatever its days.
  { because: "standard", type: /:Registry$/, path: /^policies(?:\.retentionPolicy(?:\.\w+)?)?$/ },
  { because: "cost", path: /sku\.name$/, how: ["disable"] },
  {
    because: "breaks",
    type: /:SecretProviderClass$|:ConfigMap$|:Service$|ContainerApp$|logic:Workflow$/,
    path: /^(?!.*\.image$)/,
  },
  { because: "size", type: /HorizontalPodAutoscaler$/, path: /behavior\.\S+$/ },
  {
    because: "stricter",
    path: /customRules\.rules\[\]\.priority$|securityRules\[\]\.priority$|maxUnavailable$/,
    how: ["raise", "lower"],
  },
  { because: "cost", path: /tierTo(?:Cool|Cold)/ },
  {
    because: "stricter",
    path: /(?:[rR]etention\w*|[dD]ays\w*|immutability\w*|timeoutSeconds|minLower|minUpper|minNumeric|length|sampleSize|maxReplicas|[hH]istoryLimit)$/,
    how: ["raise"],
  },
  {
    because: "stricter",
    path: /(?:[tT]hreshold|interval|for|severity|evaluationFrequency|windowSize|priority|period\w*|failureThreshold|rateLimit\w*)$/,
    how: ["lower"],
  },
  {
    because: "standard",
    path: /(?:adminUserEnabled|anonymousPullEnabled|privileged|protocol|optional|weight|priority|enableServiceLinks|restartPolicy|successThreshold|imagePullPolicy|negateCondition|selectPolicy|enabled(?:For\w+)?|createMode|environment|utcOffset|publicAccess|registrationEnabled|allowPermanentDelete|allowProtectedAppendWrites|suspend|enableDdosProtection|enableVmProtection)$/,
    how: ["remove"],
  },
];

/** Why a change nobody refused weakens nothing; undefined: it does. */
export function reasonFor(type: string, { path, how }: Pick<Change, "path" | "how">): Reason | undefined {
  return HARMLESS.find(
    (one) => (one.type ?? /./).test(type) && one.path.test(path) && (one.how?.includes(how) ?? true),
  )?.because;
}

export const reasonText = (reason: Reason): string => BECAUSE[reason];
