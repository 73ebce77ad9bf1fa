import { Laptop } from "../../apps/rehearsal/laptop";
import type { World } from "../../apps/rehearsal/laptop/chaos";

/** Production as it is planned, served on real servers, with a customer who has placed orders; whoever opens it closes `laptop`. */
export async function openWorld(): Promise<World> {
  const laptop = await Laptop.open("prod");
  const customer = laptop.customer();
  await customer.places(5);
  return {
    laptop,
    customer,
    given: new Set(),
    backups: new Set(),
    gateways: [],
    say: () => undefined,
    began: () => undefined,
  };
}
