import { ContainerApp } from "@pulumi/azure-native/app/containerApp";
import { ManagedEnvironment } from "@pulumi/azure-native/app/managedEnvironment";
import * as pulumi from "@pulumi/pulumi";
import { Maintenance } from "../../packages/alerting/maintenance";
import { Region } from "../regions";
import { Tags } from "../tags";
import { Incident } from "./incidents";
import { OUTSIDE_PORT, OUTSIDE_SECRET, outsideFile } from "./outsideFile";

export interface OutsideStatusPageArgs {
  /** Names of the environment and the app, 2-32 lower-case letters, digits and hyphens. */
  names: { environment: string; app: string };
  resourceGroupName: pulumi.Input<string>;
  /** Another region than the one that serves. */
  region: Region;
  environment: string;
  /** Gatus image pinned by digest. */
  image: string;
  /** Public addresses: outside there are no others. */
  targets: { api: string; dashboard: string };
  maintenance: Maintenance;
  incidents: readonly Incident[];
  tags: Tags;
}

const FILE = "config.yaml";
const FOLDER = "/etc/gatus";

/**
 * The status page that is still there when cluster or region are not: Gatus on Azure Container Apps in another region,
 * asking the public addresses as a customer would. It needs nothing of the platform: no vault, network or database.
 *
 * Cost: a quarter of a vCPU and half a GiB, always on.
 */
export class OutsideStatusPage extends pulumi.ComponentResource {
  /** Public host name, with a certificate of Azure's own. */
  readonly host: pulumi.Output<string>;

  constructor(
    private readonly name: string,
    private readonly args: OutsideStatusPageArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:statusPage:OutsideStatusPage", name, {}, opts);
    const environment = this.environment();
    const app = this.app(environment);
    this.host = app.configuration.apply((configuration) => configuration?.ingress?.fqdn ?? "");
    this.registerOutputs({ host: this.host });
  }

  private environment() {
    const { names, resourceGroupName, region, tags } = this.args;
    return new ManagedEnvironment(
      `${this.name}-environment`,
      {
        environmentName: names.environment,
        resourceGroupName,
        location: region,
        workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
        zoneRedundant: false,
        tags,
      },
      { parent: this },
    );
  }

  private app(environment: ManagedEnvironment) {
    const { names, resourceGroupName, region, image, tags, targets, maintenance, incidents } = this.args;
    const { environment: name } = this.args;
    const file = outsideFile({ environment: name, targets, maintenance, incidents });
    return new ContainerApp(
      `${this.name}-app`,
      {
        containerAppName: names.app,
        resourceGroupName,
        location: region,
        managedEnvironmentId: environment.id,
        workloadProfileName: "Consumption",
        configuration: {
          activeRevisionsMode: "Single",
          ingress: { external: true, targetPort: OUTSIDE_PORT, transport: "http", allowInsecure: false },
          // Not secret, but the only way to give a container a file without a storage account and its key.
          secrets: [{ name: OUTSIDE_SECRET, value: file }],
        },
        template: {
          containers: [
            {
              name: "gatus",
              image,
              resources: { cpu: 0.25, memory: "0.5Gi" },
              env: [{ name: "GATUS_CONFIG_PATH", value: `${FOLDER}/${FILE}` }],
              volumeMounts: [{ volumeName: "config", mountPath: FOLDER }],
              probes: [
                { type: "Liveness", httpGet: { path: "/health", port: OUTSIDE_PORT }, periodSeconds: 10 },
                { type: "Readiness", httpGet: { path: "/health", port: OUTSIDE_PORT }, periodSeconds: 5 },
              ],
            },
          ],
          // One: it keeps its history in memory. It must always be there, so it never scales to none.
          scale: { minReplicas: 1, maxReplicas: 1 },
          volumes: [
            { name: "config", storageType: "Secret", secrets: [{ secretRef: OUTSIDE_SECRET, path: FILE }] },
          ],
        },
        tags,
      },
      // A name of one's own is bound with `az containerapp hostname bind`, which first proves who owns it.
      { parent: this, ignoreChanges: ["configuration.ingress.customDomains"] },
    );
  }
}
