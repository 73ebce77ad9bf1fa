import { setTimeout as sleep } from "node:timers/promises";
import type { VaultsGround } from "../../../apps/operations/ground/types";
import type { Platform } from "../../../apps/operations/platform";
import { SECRET_CATALOG, secretsOf } from "../../../infra/secrets/secretCatalogue";
import type { EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import { kindNamed } from "../../../packages/emulated-azure/kubernetes/kinds";
import { ADMINISTRATOR, NAMESPACE, OLD, secretOf, SYNCED, type Place } from "./regions";

/** Fills both vaults as the program does: each region's logins are its own, everything else is shared. */
export async function fillVaults(maker: VaultsGround, { regions, writerHost }: Platform): Promise<void> {
  const expires = new Date(Date.now() + 90 * 86_400_000);
  for (const { vault, code } of regions)
    await Promise.all(
      SECRET_CATALOG.map(({ name, contentType, connection }) => {
        const admin = connection?.role === "administrator";
        const user = admin ? ADMINISTRATOR.login : `${connection?.role ?? ""}_${code}`;
        const password = admin || name === "database-admin-password" ? ADMINISTRATOR.password : OLD;
        const value = connection ? `postgresql://${user}:${password}@${writerHost}:5432/postgres` : password;
        return maker.write(vault, name, { value, contentType, expires, tags: {} });
      }),
    );
}

/** What the driver does every two minutes: the vault's values into the Secret that pods start from. */
export class SecretDriver {
  private going = true;

  constructor(
    private readonly cloud: EmulatedCloud,
    private readonly maker: VaultsGround,
    private readonly places: readonly Place[],
  ) {}

  async sync(): Promise<void> {
    // Each cluster has a driver of its own: that of a region that is lost is no other's.
    for (const place of this.places.filter(({ lost }) => !lost)) {
      const kind = kindNamed("v1", "Secret")!;
      const data = Object.fromEntries(
        await Promise.all(
          secretsOf("api").map(async ({ name, variable }) => [
            variable,
            Buffer.from((await this.maker.read(place.facts.vault, name))?.value ?? "").toString("base64"),
          ]),
        ),
      ) as Record<string, string>;
      const known = place.api.objects.find(kind, NAMESPACE, SYNCED);
      const object = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: SYNCED, namespace: NAMESPACE },
        data,
      };
      if (!known) place.api.create(object as never);
      else if (JSON.stringify(known["data"]) !== JSON.stringify(data))
        place.api.objects.replace(kind, known, { ...known, data } as never);
    }
  }

  /** Looks ten times a second whether a vault or a Secret is another, and asks the vaults only then. */
  start(): void {
    let synced = "";
    void (async () => {
      for (; this.going; await sleep(100)) {
        const before = this.secrets();
        if (before === synced) continue;
        // A vault that is lost is asked again.
        const done = await this.sync().then(
          () => true,
          () => false,
        );
        synced = done && this.secrets() === before ? before : "";
      }
    })();
  }

  stop(): void {
    this.going = false;
  }

  /** Everything the driver's work depends on, as one text. */
  private secrets(): string {
    const stored = [...this.cloud.cloud.all()].flatMap(({ type, id, inputs }) =>
      type === "azure-native:keyvault:Secret" ? [[id, inputs]] : [],
    );
    return JSON.stringify([stored, this.places.map((place) => [place.lost, secretOf(place, SYNCED)])]);
  }
}
