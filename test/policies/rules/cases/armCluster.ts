import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const armClusterCases: readonly Case[] = [
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.networkPlugin": "kubenet" } },
    finds: [["cluster", "networkProfile.networkPlugin", 'must be "azure", but is "kubenet"']],
  },
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.networkPolicy": "azure" } },
    finds: [["cluster", "networkProfile.networkPolicy", 'must be "cilium", but is "azure"']],
  },
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.networkDataplane": "azure" } },
    finds: [["cluster", "networkProfile.networkDataplane", 'must be "cilium", but is "azure"']],
  },
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.dnsServiceIP": "10.11.0.1" } },
    finds: [
      [
        "cluster",
        "networkProfile.dnsServiceIP",
        'must be an address of serviceCidr 10.11.0.0/20 other than its first two, but is "10.11.0.1"',
      ],
    ],
  },
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.podCidr": "10.11.8.0/21" } },
    finds: [
      ["cluster", "networkProfile.podCidr", "must not overlap serviceCidr 10.11.0.0/20, but is 10.11.8.0/21"],
    ],
  },
  {
    rule: "aks-network-profile",
    change: { cluster: { "networkProfile.serviceCidr": "10.11.0.5/20" } },
    finds: [
      [
        "cluster",
        "networkProfile.serviceCidr",
        'must be an IPv4 block without host bits, but is "10.11.0.5/20"',
      ],
    ],
  },
  {
    rule: "aks-pool-shape",
    change: { "user-pool": { agentPoolName: "Applications1", maxPods: 5 } },
    finds: [
      [
        "user-pool",
        "agentPoolName",
        'must be 1 to 12 lower-case letters and digits, starting with a letter, but is "Applications1"',
      ],
      ["user-pool", "maxPods", "must be 10 to 250, but is 5"],
    ],
  },
  {
    rule: "aks-pool-shape",
    change: { "user-pool": { minCount: 10, maxCount: 9 } },
    finds: [["user-pool", "minCount", "must be at most maxCount 9, but is 10"]],
  },
  {
    rule: "aks-pool-shape",
    change: { "user-pool": { enableAutoScaling: false } },
    finds: [["user-pool", "enableAutoScaling", "must be true for minCount and maxCount"]],
  },
  {
    rule: "aks-pool-shape",
    change: { cluster: { "agentPoolProfiles[0].mode": "User" } },
    finds: [["cluster", "agentPoolProfiles", "must have a pool of mode System"]],
  },
  {
    rule: "aks-pool-shape",
    change: {
      cluster: {
        "agentPoolProfiles[0].osType": "Windows",
        "agentPoolProfiles[0].maxPods": 10,
        "agentPoolProfiles[0].count": 0,
        "agentPoolProfiles[0].scaleSetPriority": "Spot",
        "agentPoolProfiles[0].name": "windowspool",
      },
    },
    finds: [
      [
        "cluster",
        "agentPoolProfiles[0].name",
        'must be 1 to 6 lower-case letters and digits, starting with a letter, but is "windowspool"',
      ],
      ["cluster", "agentPoolProfiles[0].osType", 'must be "Linux" in a system pool'],
      ["cluster", "agentPoolProfiles[0].maxPods", "must be 30 to 250, but is 10"],
      ["cluster", "agentPoolProfiles[0].count", "must be at least 1 in a system pool"],
      ["cluster", "agentPoolProfiles[0].scaleSetPriority", "must not be Spot in a system pool"],
    ],
  },
  {
    rule: "aks-cluster-profile",
    change: { cluster: { "sku.tier": "Premium", kubernetesVersion: "latest" } },
    finds: [
      ["cluster", "kubernetesVersion", 'must be a version such as 1.35, but is "latest"'],
      ["cluster", "supportPlan", 'must be "AKSLongTermSupport", but is absent'],
    ],
  },
  {
    rule: "aks-cluster-profile",
    change: { cluster: { supportPlan: "AKSLongTermSupport", aadProfile: undefined } },
    finds: [
      ["cluster", "supportPlan", 'must be "KubernetesOfficial", but is "AKSLongTermSupport"'],
      [
        "cluster",
        "aadProfile",
        "must be set while local accounts are off, or nobody could log in, but is absent",
      ],
    ],
  },
  {
    rule: "aks-cluster-profile",
    change: {
      cluster: {
        "apiServerAccessProfile.enablePrivateCluster": true,
        "securityProfile.nodeRestriction": { enabled: true },
        enablePodSecurityPolicy: true,
      },
    },
    finds: [
      [
        "cluster",
        "apiServerAccessProfile.authorizedIPRanges",
        "must be left out on a private cluster, whose API server has no public address",
      ],
      [
        "cluster",
        "securityProfile.nodeRestriction",
        "must be left out: the property exists in preview versions only",
      ],
      [
        "cluster",
        "enablePodSecurityPolicy",
        "must be left out: Kubernetes has removed pod security policies",
      ],
    ],
  },
  {
    rule: "aks-cluster-profile",
    change: { cluster: { "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation": true } },
    finds: [
      [
        "cluster",
        "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation",
        'must be "true" or "false", but is true',
      ],
    ],
  },
  {
    rule: "aks-maintenance-window",
    change: { "upgrade-window": { configName: "weekly" } },
    finds: [
      [
        "upgrade-window",
        "configName",
        'must be "default" or "aksManagedAutoUpgradeSchedule" or "aksManagedNodeOSUpgradeSchedule", but is "weekly"',
      ],
    ],
  },
  {
    rule: "aks-maintenance-window",
    change: {
      "upgrade-window": {
        "maintenanceWindow.durationHours": 3,
        "maintenanceWindow.startTime": "25:00",
        "maintenanceWindow.utcOffset": "UTC",
        "maintenanceWindow.schedule.daily": { intervalDays: 1 },
      },
    },
    finds: [
      ["upgrade-window", "maintenanceWindow.durationHours", "must be 4 to 24 hours, but is 3"],
      ["upgrade-window", "maintenanceWindow.startTime", 'must be a time such as 02:00, but is "25:00"'],
      ["upgrade-window", "maintenanceWindow.utcOffset", 'must be an offset such as +00:00, but is "UTC"'],
      [
        "upgrade-window",
        "maintenanceWindow.schedule",
        "must have exactly one of daily, weekly, absoluteMonthly, relativeMonthly, but has 2",
      ],
    ],
  },
  {
    rule: "federated-credential-shape",
    change: {
      "credential-one": {
        issuer: "http://oidc.example",
        subject: "system:serviceaccount:shop:*",
        audiences: ["a", "b"],
      },
    },
    finds: [
      ["credential-one", "issuer", 'must be an HTTPS address, but is "http://oidc.example"'],
      [
        "credential-one",
        "subject",
        'must be one subject without a wildcard, but is "system:serviceaccount:shop:*"',
      ],
      ["credential-one", "audiences", "must have one audience, but is a list of 2"],
    ],
  },
  {
    rule: "federated-credentials-per-identity",
    change: { "credential-two": { issuer: "https://oidc.example/one/" } },
    finds: [
      [
        "credential-one",
        "subject",
        "must differ from that of the identity's other credentials with this issuer",
      ],
      [
        "credential-two",
        "subject",
        "must differ from that of the identity's other credentials with this issuer",
      ],
    ],
  },
];
