/* What each front of a cloud is asked in the campaign of malformed requests, and what its errors look like. */
const SUBSCRIPTION = "11111111-2222-4333-8444-555555555555";
export const SCOPE = `/subscriptions/${SUBSCRIPTION}`;
export const GROUP = `${SCOPE}/resourceGroups/rg-shop`;

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

export const json = (text: string): any => JSON.parse(text);

/** A front, how it is asked properly, and what its errors look like. */
export interface Front {
  name: string;
  host: string;
  token: () => string;
  /** A request that is well. */
  proper: [method: string, path: string];
  /** Paths to begin from, with what a well-formed body for them is. */
  places: [method: string, path: string, body?: object][];
  isError(answer: Answer): void;
}

export const armError = ({ text }: Answer) =>
  expect(json(text)).toEqual({
    error: expect.objectContaining({ code: expect.stringMatching(/^\w+$/), message: expect.any(String) }),
  });
const SERVER = {
  location: "westeurope",
  tags: { a: "b" },
  sku: { name: "Standard_D4ds_v5", tier: "GeneralPurpose" },
  properties: { version: "17", storage: { storageSizeGB: 128 }, administratorLogin: "keeper" },
};
const AT = `${GROUP}/providers`;
export const ACCOUNT = `${AT}/Microsoft.Storage/storageAccounts/shopblobs`;
const DEPLOYMENT = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "api", labels: { app: "api" }, annotations: { a: "b" } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "api" } },
    template: {
      metadata: { labels: { app: "api" } },
      spec: { containers: [{ name: "api", image: "x", env: [{ name: "a", value: "b" }] }] },
    },
  },
};
const NAMED = "/apis/apps/v1/namespaces/default/deployments";

/** @param tokens Of one who may do all, by front. */
export const frontsWith = (tokens: Readonly<Record<string, string>>): Front[] => [
  {
    name: "ARM",
    host: "management.azure.com",
    token: () => tokens.arm!,
    proper: ["GET", `${GROUP}?api-version=2024-11-01`],
    places: [
      ["PUT", `${AT}/Microsoft.DBforPostgreSQL/flexibleServers/psql?api-version=2025-08-01`, SERVER],
      ["PATCH", `${AT}/Microsoft.DBforPostgreSQL/flexibleServers/psql?api-version=2025-08-01`, SERVER],
      ["PUT", `${GROUP}x?api-version=2024-11-01`, { location: "westeurope", tags: { a: "b" } }],
      [
        "PUT",
        `${GROUP}/providers/Microsoft.Authorization/roleAssignments/${SUBSCRIPTION}?api-version=2022-04-01`,
        {
          properties: {
            roleDefinitionId: "x",
            principalId: SUBSCRIPTION,
            principalType: "User",
            condition: "x",
          },
        },
      ],
      [
        "POST",
        `${SCOPE}/providers/Microsoft.Storage/checkNameAvailability?api-version=2025-06-01`,
        { name: "a", type: "b" },
      ],
      [
        "PUT",
        `${ACCOUNT}/blobServices/default/containers/other?api-version=2025-06-01`,
        { properties: { publicAccess: "None", metadata: { a: "b" } } },
      ],
      [
        "PUT",
        `${ACCOUNT}/blobServices/default/containers/kept/immutabilityPolicies/default?api-version=2025-06-01`,
        { properties: { immutabilityPeriodSinceCreationInDays: 1 } },
      ],
      [
        "PUT",
        `${AT}/Microsoft.KeyVault/vaults/kv-shop/secrets/kept?api-version=2026-02-01`,
        { properties: { value: "x", contentType: "y", attributes: { enabled: true, exp: 4_000_000_000 } } },
      ],
      ["GET", `${SCOPE}/resources?api-version=2021-04-01&$filter=resourceType eq 'x'`],
    ],
    isError: armError,
  },
  {
    name: "Graph",
    host: "graph.microsoft.com",
    token: () => tokens.graph!,
    proper: ["GET", "/v1.0/servicePrincipals"],
    places: [
      ["POST", "/v1.0/directoryObjects/getByIds", { ids: [SUBSCRIPTION] }],
      ["GET", "/v1.0/servicePrincipals?$filter=appId eq 'x'"],
    ],
    isError: armError,
  },
  {
    name: "vault",
    host: "kv-shop.vault.azure.net",
    token: () => tokens.vault!,
    proper: ["GET", "/secrets?api-version=7.6"],
    places: [
      [
        "PUT",
        "/secrets/kept?api-version=7.6",
        { value: "x", contentType: "y", tags: { a: "b" }, attributes: { enabled: true, exp: 4_000_000_000 } },
      ],
      ["GET", "/secrets/kept?api-version=7.6"],
    ],
    isError: armError,
  },
  {
    name: "blob",
    host: "shopblobs.blob.core.windows.net",
    token: () => tokens.blob!,
    proper: ["GET", "/kept?restype=container&comp=list"],
    places: [
      ["PUT", "/kept/one"],
      ["GET", "/kept/one?versionid=x"],
    ],
    isError: ({ text, headers }) => {
      expect(headers["x-ms-error-code"]).toMatch(/^\w+$/);
      if (text !== "") expect(text).toMatch(/<Error>\s*<Code>\w+<\/Code>/);
    },
  },
  {
    name: "Kubernetes",
    host: "localhost",
    token: () => "known",
    proper: ["GET", "/api/v1/namespaces"],
    places: [
      ["POST", NAMED, DEPLOYMENT],
      ["PUT", `${NAMED}/api`, DEPLOYMENT],
      ["PATCH", `${NAMED}/api`, DEPLOYMENT],
      ["PATCH", `${NAMED}/api/scale`, { spec: { replicas: 1 } }],
      ["PATCH", `${NAMED}/api/status`, { status: { conditions: [{ type: "a" }] } }],
      [
        "POST",
        "/api/v1/namespaces/default/pods",
        { ...DEPLOYMENT.spec.template, apiVersion: "v1", kind: "Pod" },
      ],
      [
        "POST",
        "/apis/batch/v1/namespaces/default/jobs",
        { metadata: { name: "job" }, spec: { template: DEPLOYMENT.spec.template, completions: 1 } },
      ],
      [
        "POST",
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        { metadata: { name: "api" }, spec: { selector: { matchLabels: { app: "api" } }, minAvailable: 1 } },
      ],
    ],
    isError: ({ text }) =>
      expect(json(text)).toMatchObject({ kind: "Status", status: "Failure", reason: expect.any(String) }),
  },
];
