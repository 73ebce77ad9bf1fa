import { loadStackConfig } from "./config";
import { platform } from "./platform";

export const { environment, database, storage, regions, objectives } = platform(loadStackConfig());
