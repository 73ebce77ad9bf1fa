import type { Case } from "../stack";

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const workloadPodsCases: readonly Case[] = [
  {
    rule: "pod-probes",
    change: { api: { "spec.template.spec.containers[0].livenessProbe": undefined } },
    finds: [["api", "spec.template.spec.containers[0].livenessProbe", "must be set, but is absent"]],
  },
  {
    rule: "pod-probes",
    change: {
      api: {
        "spec.template.spec.initContainers": [
          { name: "proxy", restartPolicy: "Always", image: "x", livenessProbe: { tcpSocket: { port: 1 } } },
        ],
      },
    },
    finds: [["api", "spec.template.spec.initContainers[0].readinessProbe", "must be set, but is absent"]],
  },
  {
    rule: "pod-probes",
    add: [
      {
        name: "list",
        type: "kubernetes:apps/v1:DeploymentList",
        props: {
          items: [
            { spec: { template: { spec: { containers: [{ name: "a", livenessProbe: { exec: {} } }] } } } },
          ],
        },
      },
    ],
    finds: [
      ["list", "items[0].spec.template.spec.containers[0].readinessProbe", "must be set, but is absent"],
    ],
  },
  {
    rule: "pod-resources",
    change: { api: { "spec.template.spec.containers[0].resources.limits.memory": undefined } },
    finds: [
      ["api", "spec.template.spec.containers[0].resources.limits.memory", "must be set, but is absent"],
    ],
  },
  {
    rule: "pod-resources",
    change: { backup: { "spec.jobTemplate.spec.template.spec.containers[0].resources.requests.cpu": "2" } },
    finds: [
      [
        "backup",
        "spec.jobTemplate.spec.template.spec.containers[0].resources.requests.cpu",
        "must be at most the limit 1000m, but is 2",
      ],
    ],
  },
  {
    rule: "image-digest",
    change: { api: { "spec.template.spec.containers[0].image": "ghcr.io/forma3d/api:1.2.3" } },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].image",
        'must end with a digest (@sha256:<64 hex digits>), but is "ghcr.io/forma3d/api:1.2.3"',
      ],
    ],
  },
  {
    rule: "image-digest",
    change: {
      api: {
        "spec.template.spec.containers[0].image":
          "ghcr.io/forma3d/api:latest@sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
      },
    },
    finds: [["api", "spec.template.spec.containers[0].image", "must not have the tag latest"]],
  },
  {
    rule: "image-digest",
    change: {
      backup: { "spec.jobTemplate.spec.template.spec.initContainers": [{ name: "gate", image: "busybox" }] },
    },
    finds: [
      [
        "backup",
        "spec.jobTemplate.spec.template.spec.initContainers[0].image",
        'must end with a digest (@sha256:<64 hex digits>), but is "busybox"',
      ],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: { api: { "spec.template.spec.containers[0].securityContext.privileged": true } },
    finds: [
      ["api", "spec.template.spec.containers[0].securityContext.privileged", "must not be true, but is true"],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: { api: { "spec.template.spec.containers[0].securityContext": undefined } },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation",
        "must be false, but is absent",
      ],
      [
        "api",
        "spec.template.spec.containers[0].securityContext.capabilities.drop",
        "must drop ALL, but is absent",
      ],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: {
      api: {
        "spec.template.spec.containers[0].securityContext.capabilities.add": [
          "NET_BIND_SERVICE",
          "SYS_ADMIN",
        ],
      },
    },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].securityContext.capabilities.add[1]",
        'must be "NET_BIND_SERVICE", but is "SYS_ADMIN"',
      ],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: {
      api: {
        "spec.template.spec.securityContext.runAsNonRoot": false,
        "spec.template.spec.securityContext.runAsUser": 0,
      },
    },
    finds: [
      ["api", "spec.template.spec.securityContext.runAsNonRoot", "must be true, but is false"],
      ["api", "spec.template.spec.securityContext.runAsUser", "must not be the root user, but is 0"],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: { api: { "spec.template.spec.securityContext.seccompProfile.type": "Unconfined" } },
    finds: [
      [
        "api",
        "spec.template.spec.securityContext.seccompProfile.type",
        'must be "RuntimeDefault" or "Localhost", but is "Unconfined"',
      ],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: {
      api: {
        "spec.template.spec.hostNetwork": true,
        "spec.template.spec.volumes": [{ name: "node", hostPath: { path: "/" } }],
      },
    },
    finds: [
      ["api", "spec.template.spec.hostNetwork", "must not be true, but is true"],
      [
        "api",
        "spec.template.spec.volumes[0].hostPath",
        "must be left out: a pod has no business on its node",
      ],
    ],
  },
  {
    rule: "pod-security-restricted",
    change: {
      api: {
        "spec.template.spec.containers[0].ports[0].hostPort": 3000,
        "spec.template.spec.containers[0].securityContext.procMount": "Unmasked",
      },
    },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].securityContext.procMount",
        'must be "Default", but is "Unmasked"',
      ],
      ["api", "spec.template.spec.containers[0].ports[0].hostPort", "must be left out, but is 3000"],
    ],
  },
  {
    rule: "pod-security-restricted",
    add: [
      {
        name: "patch",
        type: "kubernetes:apps/v1:DeploymentPatch",
        props: {
          metadata: { namespace: "shop" },
          spec: {
            template: { spec: { containers: [{ name: "a", securityContext: { privileged: true } }] } },
          },
        },
      },
    ],
    finds: [
      [
        "patch",
        "spec.template.spec.containers[0].securityContext.privileged",
        "must not be true, but is true",
      ],
    ],
  },
  {
    rule: "container-read-only",
    change: { api: { "spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem": false } },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem",
        "must be true, but is false",
      ],
    ],
  },
  {
    rule: "pod-own-account",
    change: { api: { "spec.template.spec.serviceAccountName": "default" } },
    finds: [
      [
        "api",
        "spec.template.spec.serviceAccountName",
        'must be an account of the workload\'s own, but is "default"',
      ],
    ],
  },
  {
    rule: "pod-own-account",
    change: {
      api: { "spec.template.spec.automountServiceAccountToken": undefined, "metadata.namespace": undefined },
    },
    finds: [
      ["api", "spec.template.spec.automountServiceAccountToken", "must be false, but is absent"],
      ["api", "metadata.namespace", "must be a namespace other than default, but is absent"],
    ],
  },
  {
    rule: "pod-graceful-shutdown",
    change: { api: { "spec.template.spec.terminationGracePeriodSeconds": 10 } },
    finds: [
      ["api", "spec.template.spec.terminationGracePeriodSeconds", "must be at least 30 seconds, but is 10"],
      [
        "api",
        "spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds",
        "must be less than terminationGracePeriodSeconds 10",
      ],
    ],
  },
  {
    rule: "pod-graceful-shutdown",
    change: { api: { "spec.template.spec.containers[0].lifecycle": undefined } },
    finds: [["api", "spec.template.spec.containers[0].lifecycle.preStop", "must be set, but is absent"]],
  },
  {
    rule: "pod-graceful-shutdown",
    change: { api: { "spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds": 45 } },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds",
        "must be less than terminationGracePeriodSeconds 45",
      ],
    ],
  },
  {
    rule: "job-bounded",
    change: { backup: { "spec.jobTemplate.spec.activeDeadlineSeconds": undefined } },
    finds: [["backup", "spec.jobTemplate.spec.activeDeadlineSeconds", "must be set, but is absent"]],
  },
  {
    rule: "job-bounded",
    change: {
      backup: {
        "spec.concurrencyPolicy": "Allow",
        "spec.timeZone": undefined,
        "spec.failedJobsHistoryLimit": 0,
      },
    },
    finds: [
      ["backup", "spec.concurrencyPolicy", 'must be "Forbid", but is "Allow"'],
      ["backup", "spec.timeZone", "must be set, but is absent"],
      ["backup", "spec.failedJobsHistoryLimit", "must be at least 1, but is 0"],
    ],
  },
  {
    rule: "pod-no-plain-secret",
    change: {
      api: { "spec.template.spec.containers[0].env[0]": { name: "SESSION_SECRET", value: "correct-horse" } },
    },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].env[0].value",
        "must not hold a secret in plain text; keep it in Key Vault and mount it",
      ],
    ],
  },
  {
    rule: "pod-no-plain-secret",
    change: {
      api: {
        "spec.template.spec.containers[0].env[0]": {
          name: "UPSTREAM",
          value: "postgresql://api:correct-horse@db:5432/shop",
        },
      },
    },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].env[0].value",
        "must not hold a URL with a password; keep it in Key Vault and mount it",
      ],
    ],
  },
  {
    rule: "pod-no-plain-secret",
    change: { api: { "spec.template.spec.containers[0].args": ["--dsn", "host=db password=correct-horse"] } },
    finds: [
      [
        "api",
        "spec.template.spec.containers[0].args[1]",
        "must not hold a connection string with a password; keep it in Key Vault and mount it",
      ],
    ],
  },
  {
    rule: "pod-no-plain-secret",
    change: {
      backup: {
        "spec.jobTemplate.spec.template.spec.containers[0].command": [
          "sh",
          "-c",
          "curl -H 'x: ghp_abcdefghijklmnopqrstuvwxyz'",
        ],
      },
    },
    finds: [
      [
        "backup",
        "spec.jobTemplate.spec.template.spec.containers[0].command[2]",
        "must not hold a GitHub token; keep it in Key Vault and mount it",
      ],
    ],
  },
  {
    rule: "configmap-no-secret",
    change: { settings: { "data.SENDCLOUD_SECRET_KEY": "correct-horse" } },
    finds: [
      [
        "settings",
        "data.SENDCLOUD_SECRET_KEY",
        "must not hold a secret in plain text; keep it in Key Vault and mount it",
      ],
    ],
  },
  {
    rule: "configmap-no-secret",
    change: { settings: { 'data["tls.pem"]': "-----BEGIN RSA PRIVATE KEY-----" } },
    finds: [
      ["settings", 'data["tls.pem"]', "must not hold a private key; keep it in Key Vault and mount it"],
    ],
  },
  {
    rule: "configmap-no-secret",
    change: { settings: { 'data["app.yaml"]': "storage: AccountKey=abcdefghijklmnopqrstuvwx==" } },
    finds: [
      [
        "settings",
        'data["app.yaml"]',
        "must not hold a storage account key; keep it in Key Vault and mount it",
      ],
    ],
  },
];
