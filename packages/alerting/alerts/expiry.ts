import { AlertSettings } from "../settings";
import { PrometheusAlert, RecordingRule } from "../types";

const DAY = 86_400;
const GROUP = "forma3d-expiry";

/** Certificates and secrets that end by date. */
export function expiryAlerts({ thresholds }: AlertSettings): PrometheusAlert[] {
  const base = { kind: "prometheus", group: GROUP, owner: "platform" } as const;
  const certificate = (days: number) => `probe_ssl_earliest_cert_expiry - time() < ${days * DAY}`;
  const { warning, urgent } = thresholds.certificateDays;
  return [
    {
      ...base,
      name: "CertificateExpiring",
      expression: certificate(warning),
      for: "1h",
      priority: "P3",
      summary: "A certificate expires soon",
      description: `The certificate of {{ $labels.job }} expires in less than ${warning} days; Front Door should have renewed it`,
      runbook: "ssl-renewal",
      risks: ["R12"],
    },
    {
      ...base,
      name: "CertificateAboutToExpire",
      expression: certificate(urgent),
      for: "10m",
      priority: "P1",
      summary: "A certificate is about to expire",
      description: `The certificate of {{ $labels.job }} expires in less than ${urgent} days`,
      runbook: "ssl-renewal",
      risks: ["R12"],
    },
    {
      ...base,
      name: "SecretExpiring",
      expression: `vault_secret_expiry_timestamp_seconds - time() < ${thresholds.secretDays * DAY}`,
      for: "1h",
      priority: "P3",
      summary: "Secrets of the vault expire soon",
      description: `Secrets with a life of {{ $labels.rotation_days }} days expire in less than ${thresholds.secretDays} days`,
      runbook: "credential-rotation",
      risks: ["R08"],
    },
    {
      ...base,
      name: "SecretExpired",
      expression: "vault_secret_expiry_timestamp_seconds - time() < 0",
      for: "0s",
      priority: "P2",
      summary: "Secrets of the vault have expired",
      description:
        "Secrets with a life of {{ $labels.rotation_days }} days are past their date: rotate them now",
      runbook: "credential-rotation",
      risks: ["R08"],
    },
  ];
}

/**
 * When managed secrets expire, as a metric. Key Vault publishes none, and the dates are known: a secret's date of
 * issue and its life are data of this program.
 */
export function expiryRecordings({ secretExpiry }: AlertSettings): RecordingRule[] {
  return Object.entries(secretExpiry).map(([rotationDays, timestamp]) => ({
    group: GROUP,
    record: "vault_secret_expiry_timestamp_seconds",
    expression: `vector(${timestamp})`,
    labels: { rotation_days: rotationDays },
  }));
}
