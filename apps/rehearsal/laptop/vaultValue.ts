import { stringAt } from "../../../packages/emulated-azure/model/paths";
import type { Served } from "../serve";

const SECRET = "azure-native:keyvault:Secret";

/** Value a vault of the served cloud holds under a name now; undefined when it holds none. */
export function valueIn({ cloud }: Pick<Served, "cloud">, vault: string, name: string): string | undefined {
  const found = [...cloud.cloud.all()].find(
    ({ type, id }) => type === SECRET && id.toLowerCase().endsWith(`/vaults/${vault}/secrets/${name}`),
  );
  return found && stringAt(found.inputs, "properties.value");
}
