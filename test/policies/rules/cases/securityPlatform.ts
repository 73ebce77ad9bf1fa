import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const securityPlatformCases: readonly Case[] = [
  {
    rule: "aks-no-local-accounts",
    change: { cluster: { disableLocalAccounts: undefined } },
    finds: [["cluster", "disableLocalAccounts", "must be true, but is absent"]],
  },
  {
    rule: "aks-no-local-accounts",
    change: { cluster: { "aadProfile.enableAzureRBAC": false, enableRBAC: false } },
    finds: [
      ["cluster", "aadProfile.enableAzureRBAC", "must be true, but is false"],
      ["cluster", "enableRBAC", "must not be false, but is false"],
    ],
  },
  {
    rule: "aks-api-server-restricted",
    change: { cluster: { apiServerAccessProfile: undefined } },
    finds: [
      [
        "cluster",
        "apiServerAccessProfile.authorizedIPRanges",
        "must name the ranges that may reach it, but is absent",
      ],
    ],
  },
  {
    rule: "aks-api-server-restricted",
    change: { cluster: { "apiServerAccessProfile.authorizedIPRanges": ["0.0.0.0/0"] } },
    finds: [
      [
        "cluster",
        "apiServerAccessProfile.authorizedIPRanges[0]",
        'must be an IPv4 block of /24 or smaller, but is "0.0.0.0/0"',
      ],
    ],
  },
  {
    rule: "aks-api-server-restricted",
    change: { cluster: { "apiServerAccessProfile.authorizedIPRanges": ["203.0.0.0/16"] } },
    finds: [
      [
        "cluster",
        "apiServerAccessProfile.authorizedIPRanges[0]",
        'must be an IPv4 block of /24 or smaller, but is "203.0.0.0/16"',
      ],
    ],
  },
  {
    rule: "aks-network-policy",
    change: { cluster: { networkProfile: undefined } },
    finds: [
      ["cluster", "networkProfile.networkPolicy", 'must be "cilium" or "azure" or "calico", but is absent'],
    ],
  },
  {
    rule: "aks-network-policy",
    change: { cluster: { "networkProfile.networkPolicy": "none" } },
    finds: [
      ["cluster", "networkProfile.networkPolicy", 'must be "cilium" or "azure" or "calico", but is "none"'],
    ],
  },
  {
    rule: "aks-workload-identity",
    change: {
      cluster: {
        oidcIssuerProfile: undefined,
        "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation": "false",
      },
    },
    finds: [
      ["cluster", "oidcIssuerProfile.enabled", "must be true, but is absent"],
      [
        "cluster",
        "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation",
        'must be "true", but is "false"',
      ],
    ],
  },
  {
    rule: "aks-upgraded",
    change: { cluster: { "autoUpgradeProfile.upgradeChannel": "none" } },
    finds: [
      [
        "cluster",
        "autoUpgradeProfile.upgradeChannel",
        'must be "patch" or "stable" or "rapid", but is "none"',
      ],
    ],
  },
  {
    rule: "aks-upgraded",
    change: { cluster: { autoUpgradeProfile: undefined } },
    finds: [
      [
        "cluster",
        "autoUpgradeProfile.upgradeChannel",
        'must be "patch" or "stable" or "rapid", but is absent',
      ],
      [
        "cluster",
        "autoUpgradeProfile.nodeOSUpgradeChannel",
        'must be "NodeImage" or "SecurityPatch", but is absent',
      ],
    ],
  },
  {
    rule: "aks-survives-zone-loss",
    change: { cluster: { "sku.tier": "Free", "agentPoolProfiles[0].count": 2 } },
    finds: [
      ["cluster", "sku.tier", 'must be "Standard" or "Premium", but is "Free"'],
      ["cluster", "agentPoolProfiles[0].count", "must be at least 3 nodes, but is 2"],
    ],
  },
  {
    rule: "aks-survives-zone-loss",
    change: { "user-pool": { availabilityZones: ["1", "1", "2"], minCount: 1 } },
    finds: [
      ["user-pool", "availabilityZones", "must name 3 zones, but is a list of 3"],
      ["user-pool", "minCount", "must be at least 3 nodes, but is 1"],
    ],
  },
  {
    rule: "aks-nodes-private",
    change: { "user-pool": { enableNodePublicIP: true } },
    finds: [["user-pool", "enableNodePublicIP", "must not be true, but is true"]],
  },
  {
    rule: "aks-nodes-private",
    change: { cluster: { "agentPoolProfiles[0].enableNodePublicIP": true } },
    finds: [["cluster", "agentPoolProfiles[0].enableNodePublicIP", "must not be true, but is true"]],
  },
  {
    rule: "role-no-broad-assignment",
    change: { role: { scope: "/subscriptions/11111111-2222-4333-8444-555555555555" } },
    finds: [
      [
        "role",
        "scope",
        'must be a resource group or narrower for Contributor, but is "/subscriptions/11111111-2222-4333-8444-555555555555"',
      ],
    ],
  },
  {
    rule: "role-no-broad-assignment",
    change: {
      role: {
        scope: "/",
        roleDefinitionId:
          "/providers/Microsoft.Authorization/roleDefinitions/8E3AF657-A8FF-443C-A75C-2FE8C4BCB635",
      },
    },
    finds: [["role", "scope", 'must be a resource group or narrower for Owner, but is "/"']],
  },
  {
    rule: "role-no-broad-assignment",
    change: { role: { scope: "/providers/Microsoft.Management/managementGroups/all" } },
    finds: [
      [
        "role",
        "scope",
        'must be a resource group or narrower for Contributor, but is "/providers/Microsoft.Management/managementGroups/all"',
      ],
    ],
  },
  {
    rule: "role-no-wildcard",
    change: { "role-definition": { "permissions[0].actions": ["*"] } },
    finds: [
      [
        "role-definition",
        "permissions[0].actions[0]",
        'must name one operation, and none on authorization, but is "*"',
      ],
    ],
  },
  {
    rule: "role-no-wildcard",
    change: {
      "role-definition": {
        "permissions[0].dataActions": ["*/read"],
        "permissions[0].actions": ["Microsoft.Authorization/roleAssignments/write"],
      },
    },
    finds: [
      [
        "role-definition",
        "permissions[0].actions[0]",
        'must name one operation, and none on authorization, but is "Microsoft.Authorization/roleAssignments/write"',
      ],
      [
        "role-definition",
        "permissions[0].dataActions[0]",
        'must name one operation, and none on authorization, but is "*/read"',
      ],
    ],
  },
  {
    rule: "policy-assignment-judges",
    add: [
      {
        name: "remediation",
        type: "azure-native:authorization:PolicyAssignment",
        props: {
          policyAssignmentName: "remediation",
          scope: "/subscriptions/s/resourceGroups/rg",
          policyDefinitionId: "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/own",
          enforcementMode: "DoNotEnforce",
          identity: { type: "SystemAssigned" },
          notScopes: ["/subscriptions/s/resourceGroups/rg/providers/a/b/c"],
          parameters: { effect: { value: "DeployIfNotExists" } },
        },
      },
      {
        name: "silent",
        type: "azure-native:authorization:PolicyAssignment",
        props: {
          policyAssignmentName: "silent",
          scope: "/subscriptions/s/resourceGroups/rg",
          policyDefinitionId:
            "/providers/Microsoft.Authorization/policySetDefinitions/a8640138-9b0a-4a28-b8cb-1666c838647d",
        },
      },
    ],
    finds: [
      [
        "remediation",
        "policyDefinitionId",
        'must be a definition of Microsoft\'s, but is "/subscriptions/s/providers/Microsoft.Authorization/policy…"',
      ],
      ["remediation", "enforcementMode", 'must be "Default", but is "DoNotEnforce"'],
      ["remediation", "identity", "must be absent, but is a map"],
      ["remediation", "notScopes", "must be empty, but is a list of 1"],
      ["remediation", "parameters.effect.value", 'must be deny or audit, but is "DeployIfNotExists"'],
      ["silent", "parameters.effect.value", "must be deny or audit, but is absent"],
    ],
  },
  {
    rule: "identity-one-purpose",
    change: { "credential-two": { subject: "system:serviceaccount:shop:backup" } },
    finds: [
      [
        "credential-two",
        "subject",
        "must be system:serviceaccount:shop:api, the workload the identity serves",
      ],
    ],
  },
  {
    rule: "required-tags",
    change: { primary: { "tags.owner": undefined } },
    finds: [["primary", "tags.owner", "must be set, but is absent"]],
  },
  {
    rule: "required-tags",
    change: { group: { tags: undefined } },
    finds: [
      ["group", "tags.product", "must be set, but is absent"],
      ["group", "tags.environment", "must be set, but is absent"],
      ["group", "tags.owner", "must be set, but is absent"],
      ["group", "tags.costCenter", "must be set, but is absent"],
      ["group", "tags.dataClassification", "must be set, but is absent"],
      ["group", "tags.managedBy", "must be set, but is absent"],
    ],
  },
  {
    rule: "nsg-closed-to-internet",
    change: { "security-group": { "securityRules[0].sourceAddressPrefix": "Internet" } },
    finds: [["security-group", "securityRules[0]", "must not allow traffic from everywhere"]],
  },
  {
    rule: "nsg-closed-to-internet",
    add: [
      {
        name: "rule",
        type: "azure-native:network:SecurityRule",
        props: { direction: "Inbound", access: "Allow", sourceAddressPrefixes: ["10.0.0.0/8", "0.0.0.0/0"] },
      },
    ],
    finds: [["rule", "", "must not allow traffic from everywhere"]],
  },
  {
    rule: "waf-prevents",
    change: { firewall: { "policySettings.mode": "Detection", managedRules: undefined } },
    finds: [
      ["firewall", "policySettings.mode", 'must be "Prevention", but is "Detection"'],
      ["firewall", "managedRules.managedRuleSets", "must have a managed rule set, but is absent"],
    ],
  },
  {
    rule: "waf-prevents",
    change: { firewall: { "customRules.rules[0].enabledState": "Disabled" } },
    finds: [["firewall", "customRules.rules", "must have an enabled RateLimitRule, but is a list of 1"]],
  },
  {
    rule: "waf-prevents",
    change: {
      firewall: {
        "managedRules.managedRuleSets[0].exclusions": [
          { matchVariable: "RequestBodyPostArgNames", selectorMatchOperator: "EqualsAny", selector: "*" },
        ],
        "customRules.rules[0].action": "Allow",
      },
    },
    finds: [
      [
        "firewall",
        "managedRules.managedRuleSets[0].exclusions[0]",
        "must not leave everything of a kind unread; name what is left out",
      ],
      [
        "firewall",
        "customRules.rules[0].action",
        "must not let past the firewall whatever matches; name addresses, or block the rest",
      ],
    ],
  },
  {
    rule: "front-door-https",
    change: { route: { httpsRedirect: "Disabled" } },
    finds: [["route", "httpsRedirect", 'must be "Enabled", but is "Disabled"']],
  },
  {
    rule: "front-door-https",
    change: { origin: { enforceCertificateNameCheck: false } },
    finds: [["origin", "enforceCertificateNameCheck", "must not be false, but is false"]],
  },
  {
    rule: "front-door-https",
    change: { domain: { "tlsSettings.minimumTlsVersion": "TLS10" } },
    finds: [["domain", "tlsSettings.minimumTlsVersion", 'must be "TLS12" or "TLS13", but is "TLS10"']],
  },
  {
    rule: "kubernetes-rbac-narrow",
    change: { reader: { "rules[0].verbs": ["*"] } },
    finds: [["reader", "rules[0].verbs[0]", 'must name what it allows, but is "*"']],
  },
  {
    rule: "kubernetes-rbac-narrow",
    change: { binding: { "roleRef.name": "cluster-admin" } },
    finds: [
      ["binding", "roleRef.name", 'must be a narrower role than cluster-admin, but is "cluster-admin"'],
    ],
  },
  {
    rule: "service-not-public",
    change: { service: { "metadata.annotations": undefined } },
    finds: [
      [
        "service",
        'metadata.annotations["service.beta.kubernetes.io/azure-load-balancer-internal"]',
        'must be "true", but is absent',
      ],
    ],
  },
  {
    rule: "service-not-public",
    change: { service: { "spec.type": "NodePort", "spec.externalIPs": ["203.0.113.9"] } },
    finds: [
      ["service", "spec.type", 'must not be NodePort, but is "NodePort"'],
      ["service", "spec.externalIPs", "must be left out, but is a list of 1"],
    ],
  },
  {
    rule: "namespace-restricted",
    change: { namespace: { "metadata.labels": { "pod-security.kubernetes.io/enforce": "baseline" } } },
    finds: [
      [
        "namespace",
        'metadata.labels["pod-security.kubernetes.io/enforce"]',
        'must be "restricted", but is "baseline"',
      ],
    ],
  },
];
