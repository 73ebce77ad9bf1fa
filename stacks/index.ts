import { loadStackConfig } from "./config";
import { platform } from "./platform";

export const { environment, database, storage, regions, edge, objectives } = platform(loadStackConfig());
