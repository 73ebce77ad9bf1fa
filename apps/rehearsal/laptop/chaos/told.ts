import { holds, other, regionOf, STACK, type Model, type World } from "./model";

const ASKED_AGAIN = 10;

interface Told {
  id: string;
  state: string;
  text: string;
}

async function findings({ laptop }: World): Promise<{ all: Told[]; said: string }> {
  const { document, said } = await laptop.operations(["status", STACK]);
  return { all: (document["findings"] ?? []) as Told[], said };
}

/** What `status` says of something, once it was heard: a line has a few seconds, and a busy machine takes longer. */
export async function finding(world: World, id: string): Promise<Told> {
  for (let tries = 1; ; tries++) {
    const { all, said } = await findings(world);
    const found = all.find((one) => one.id === id);
    if (found && found.state !== "unknown") return found;
    if (tries === ASKED_AGAIN) return found ?? { id, state: "unknown", text: said };
  }
}

/** While a region is lost, whoever looks must read who serves, whose logins are open, and that nobody could take over. */
export async function statusTellsOfLoss(model: Model, world: World): Promise<void> {
  const [serves, lost] = [regionOf(world, model.serving), regionOf(world, other(model.serving))];
  const { text } = await finding(world, "serving");
  holds(text.startsWith(`${serves.location} (`), `${serves.location} serves, and status says: ${text}`);
  const fences = await finding(world, "fences");
  holds(
    fences.state === "ok",
    `every login is as it has to be after ${lost.location} was lost, and status says: ${fences.text}`,
  );
  const replication = await finding(world, "replication");
  holds(
    replication.state === "attention",
    `${lost.location} is lost, and status says of what would be: ${replication.text}`,
  );
}
