import tls from "node:tls";
import { ContainerClient } from "@azure/storage-blob";
import type { LeasePlace } from "../../../apps/operations/frame/sharedLease";
import { lookAt } from "../../../apps/operations/ground/serving";
import { placeIn, writeServing } from "../../../apps/recovery/serving/places";
import { SERVING_CONTAINER } from "../../../infra/data/places";
import { Authority } from "../../../packages/emulated-azure/certificates";
import { listen } from "../../../packages/emulated-azure/listen";
import type { Tree } from "../../../packages/emulated-azure/model/types";
import type { Real } from "../../../packages/emulated-azure/real";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { StorageAccounts } from "../../../packages/emulated-azure/storage";
import { signIn } from "../../cloud/client";
import type { Laptop } from "./index";
import { WITNESS } from "./regions";

/**
 * Keeps the record of who serves where production does: in accounts of a blob service that asks the operator for a token and for
 * rights, each beside a container that is none of the record's.
 */
export async function keepRecordInAccounts(laptop: Laptop) {
  const { cloud, operator, platform } = laptop;
  const group = `/subscriptions/${platform.subscriptionId}/resourceGroups/rg-shop-global`;
  const declared = ["westeurope", "northeurope", WITNESS].map((location, i) => {
    const name = `shoprecord${i}`;
    const id = `${group}/providers/Microsoft.Storage/storageAccounts/${name}`;
    const put = (type: string, at: string, inputs: Tree) =>
      cloud.cloud.put({ key: `arm:${at.toLowerCase()}`, type, id: at, inputs, outputs: inputs });
    put("azure-native:storage:StorageAccount", id, { location, accountName: name });
    const containers = [SERVING_CONTAINER, "backups"].map((containerName) => {
      const at = `${id}/blobServices/default/containers/${containerName}`;
      put("azure-native:storage:BlobContainer", at, { containerName });
      return at;
    });
    return { location, name, scope: containers[0]! };
  });
  const storage = await StorageAccounts.open(cloud);
  // Nothing else runs behind this way in.
  const real = {
    authority: await Authority.create(),
    storage,
    portOf: () => undefined,
    behind: () => undefined,
  } as unknown as Real;
  const listening = await listen(cloud, { real });
  const credentialOf = (who: Principal) => ({
    getToken: async () => ({
      token: await signIn(cloud, listening, who, "https://storage.azure.com/.default"),
      expiresOnTimestamp: Date.now() + 600_000,
    }),
  });
  // A client of blobs takes a proxy, whose connections trust what the process does.
  const trusted = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...trusted, listening.certificate]);
  const container = (account: string, name: string, who = operator, port = new URL(listening.proxy).port) =>
    new ContainerClient(`https://${account}.blob.core.windows.net/${name}`, credentialOf(who), {
      retryOptions: { maxTries: 1 },
      proxyOptions: { host: "http://127.0.0.1", port: Number(port) },
    });
  const places = declared.map(({ location, name }) => placeIn(location, container(name, SERVING_CONTAINER)));
  laptop.ground.serving = {
    look: () => lookAt(places),
    write: async (serving, incident, now) => void (await writeServing(places, { serving, incident }, now)),
  };
  return {
    scopes: declared.map(({ scope }) => scope),
    container,
    accounts: declared.map(({ name }) => name),
    /** The accounts as somebody reaches them who takes a lease, or asks for it. */
    leasePlaces: (who: Principal): LeasePlace[] =>
      declared.map(({ location, name }) => ({
        name: location,
        container: container(name, SERVING_CONTAINER, who),
      })),
    /** A place from which no way leads to it. */
    unheard: ({ name }: LeasePlace): LeasePlace => ({
      name,
      container: container("nowhere", SERVING_CONTAINER, operator, "9"),
    }),
    close: async () => {
      tls.setDefaultCACertificates(trusted);
      await listening.stop();
      await storage.close();
    },
  };
}
