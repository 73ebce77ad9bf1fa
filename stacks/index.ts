import { loadStackConfig } from "./config";
import { platform } from "./platform";
import { armTripwire } from "./tripwire";

armTripwire();

export const { environment, database, storage, regions, edge, monitoring, objectives } =
  platform(loadStackConfig());
