import type { Case, Sketch } from "../stack";

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const credentials = times(19, (index): Sketch => ({
  name: `more-${index}`,
  type: "azure-native:managedidentity:FederatedIdentityCredential",
  props: {
    resourceName: "id-shop-api",
    issuer: `https://oidc.example/more-${index}/`,
    subject: "system:serviceaccount:shop:api",
    audiences: ["api://AzureADTokenExchange"],
  },
  // Found by its name where no dependency tells.
  sources: index === 0 ? {} : { resourceName: ["identity"] },
}));

/** Breakages that are a matter of how many. */
export const manyCases: readonly Case[] = [
  {
    rule: "federated-credentials-per-identity",
    add: credentials,
    finds: ["credential-one", "credential-two", ...credentials.map(({ name }) => name)].map((name) => [
      name,
      "resourceName",
      "must not have more than 20 federated credentials, but has 21",
    ]),
  },
  {
    rule: "prometheus-rule-group-shape",
    change: { prometheus: { rules: times(21, (index) => ({ record: `r${index}`, expression: "up" })) } },
    finds: [["prometheus", "rules", "must have 1 to 20 rules, but is a list of 21"]],
  },
  {
    rule: "azure-tags-shape",
    change: { group: { tags: Object.fromEntries(times(51, (index) => [`t${index}`, "x"])) } },
    finds: [["group", "tags", "must have at most 50 tags, but has 51"]],
  },
];
