import { type AlertSettings, DEFAULT_THRESHOLDS } from "../../../packages/alerting/settings";

/** The defaults of every stack, for pages and checks that are about no stack; its own limits stand in its file. */
export const DEFAULT_ALERT_SETTINGS: AlertSettings = {
  thresholds: DEFAULT_THRESHOLDS,
  objectives: { rpoMinutes: 60, rtoMinutes: 240 },
  namespace: "forma3d",
  servingOrigins: [],
  servingRegion: "the serving region",
  secretExpiry: {},
};
