/** Real PostgreSQL behind the database servers of an emulated cloud. Knows servers, regions and names; nobody's product. */
export { DatabaseServers, type Loss, type ServerRequest, type VirtualEndpoint } from "./cloud";
export { putBehind } from "./behind";
export type { HomeOptions } from "./home";
export type { Administrator } from "./administrator";
export type { DatabaseServer, ServerState } from "./server";
export { ServiceError } from "./errors";
export { TcpFront, type Reach } from "./front";
export { metricsOf, type ServerMetrics } from "./metrics";
export type { Promotion } from "./promotion";
export { realise } from "./realise";
export { realMetrics } from "./metricSource";
