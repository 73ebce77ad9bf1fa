import { randomUUID } from "node:crypto";
import { failover } from "../../apps/operations/failover";
import { operate } from "../../apps/operations/frame/operate";
import { OPERATOR_ACTIONS, OPERATOR_DATA_ACTIONS, operatorRole } from "../../apps/operations/operatorRole";
import type { EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { Api } from "../../packages/emulated-azure/kubernetes";
import { Laptop, NORTH, WEST } from "./laptop";

const CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c";
let laptop: Laptop;
let cloud: EmulatedCloud;
let operator: string;

beforeAll(async () => {
  laptop = await Laptop.open();
  cloud = (laptop as unknown as { cloud: EmulatedCloud }).cloud;
  const assigned = [...cloud.cloud.all()].find(({ inputs }) =>
    (inputs["roleDefinitionId"] as string | undefined)?.endsWith(CONTRIBUTOR),
  );
  operator = assigned?.inputs["principalId"] as string;
  await laptop.writes(3);
}, 60_000);
afterAll(() => laptop.close());

/** Makes the operator hold the custom role and nothing else, without some of its actions. */
function hold(...without: string[]): void {
  const { subscriptionId } = laptop.platform;
  const scope = `/subscriptions/${subscriptionId}`;
  const { Actions, DataActions } = operatorRole(laptop.platform);
  const name = randomUUID();
  const id = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${name}`;
  const permissions = [
    {
      actions: Actions.filter((action) => !without.includes(action)),
      notActions: [],
      dataActions: DataActions,
    },
  ];
  const put = (type: string, at: string, inputs: any) =>
    cloud.cloud.put({ key: `arm:${at.toLowerCase()}`, type, id: at, inputs, outputs: inputs });
  put("azure-native:authorization:RoleDefinition", id, { roleDefinitionId: name, scope, permissions });
  for (const { type, id: at, inputs } of [...cloud.cloud.all()])
    if (type === "azure-native:authorization:RoleAssignment" && inputs["principalId"] === operator)
      put(type, at, { ...inputs, roleDefinitionId: id });
}

function to(location: string, incident: string): Promise<any> {
  return operate(
    failover(laptop.platform, laptop.ground, { to: location }),
    { yes: true, incident },
    {
      now: () => new Date(),
      signal: new AbortController().signal,
      say: () => undefined,
      folder: laptop.folder,
    },
  );
}

test("a failover ends for who holds the operator's role alone, and asks for every right in it", async () => {
  hold();
  const asked = new Set<string>();
  const may = cloud.rights.may.bind(cloud.rights);
  const rights = jest.spyOn(cloud.rights, "may").mockImplementation((who, wish) => {
    if (who.objectId === operator) asked.add(wish.action);
    return may(who, wish);
  });
  const inClusters = new Set<string>();
  const parse = Reflect.get(Api.prototype, "parse") as Api["parse"];
  const requests = jest.spyOn(Api.prototype, "parse").mockImplementation(function (this: Api, ...args) {
    const parsed = parse.apply(this, args);
    if (parsed) {
      const { verb, kind } = parsed;
      const right = /^(get|list|watch)$/.test(verb) ? "read" : verb.startsWith("delete") ? "delete" : "write";
      inClusters.add(
        [
          "Microsoft.ContainerService/managedClusters",
          ...(kind.group ? [kind.group] : []),
          kind.plural,
          right,
        ].join("/"),
      );
    }
    return parsed;
  });
  try {
    expect(await to(NORTH.location, "INC-role-1")).toMatchObject({ to: NORTH.location });
    await laptop.servers.settled();
    expect(await to(WEST.location, "INC-role-2")).toMatchObject({ to: WEST.location });
  } finally {
    rights.mockRestore();
    requests.mockRestore();
  }
  const named = (all: readonly { action: string }[]) => all.map(({ action }) => action).sort();
  expect([...asked].sort()).toEqual(named(OPERATOR_ACTIONS));
  expect([...inClusters].sort()).toEqual(named(OPERATOR_DATA_ACTIONS));
}, 90_000);

test.each(OPERATOR_ACTIONS.map(({ action }) => [action]))(
  "without %s it is refused, with the right's name",
  async (action) => {
    await laptop.servers.settled();
    hold(action);
    await expect(to(NORTH.location, `INC-without-${action.split("/").slice(-2).join("-")}`)).rejects.toThrow(
      new RegExp(`does not have authorization to perform action '${action}'`),
    );
    hold();
  },
  60_000,
);
