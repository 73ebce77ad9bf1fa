import { VM_SIZES } from "../../../azure-facts";
import { objectsAt, textAt } from "../../model/paths";
import { type ArmRequest, list } from "../context";
import type { ActionTable } from "./table";

/** Cores a subscription may use in a region unless it asked for more: enough for both regions' work. */
const CORES = 100;
/** Family and version of a size, as a quota counts them; not told apart here. */
const TOTAL = { value: "cores", localizedValue: "Total Regional vCPUs" };

const regionOf = ({ url }: ArmRequest): string =>
  /\/locations\/([^/]+)\/usages$/i.exec(url.pathname)?.[1] ?? "";

export const COMPUTE_ACTIONS: ActionTable = {
  /** Cores of the nodes the region's clusters begin with, of those the subscription may have. */
  "GET Microsoft.Compute/locations/usages": ({ cloud }, request) => {
    const region = regionOf(request).toLowerCase();
    const currentValue = [...cloud.all()]
      .filter(
        ({ type, inputs }) =>
          type === "azure-native:containerservice:ManagedCluster" &&
          textAt(inputs, "location").toLowerCase() === region,
      )
      .flatMap(({ inputs }) => objectsAt(inputs, "agentPoolProfiles"))
      .reduce(
        (sum, pool) =>
          sum +
          (VM_SIZES.get(textAt(pool, "vmSize"))?.vCpus ?? 0) * Number(pool["count"] ?? pool["minCount"] ?? 1),
        0,
      );
    return list([{ unit: "Count", currentValue, limit: CORES, name: TOTAL }]);
  },
  /** Nobody is eligible for a role here: this directory knows who holds one. */
  "GET Microsoft.Authorization/roleEligibilityScheduleInstances": () => list([]),
  /** Every size node pools can have, offered without a restriction in the region that is asked about. */
  "GET Microsoft.Compute/skus": (_context, { url }) => {
    const location = /location eq '([^']+)'/i.exec(url.searchParams.get("$filter") ?? "")?.[1] ?? "";
    return list(
      [...VM_SIZES.keys()].map((name) => ({
        resourceType: "virtualMachines",
        name,
        locations: [location],
        restrictions: [],
      })),
    );
  },
};
