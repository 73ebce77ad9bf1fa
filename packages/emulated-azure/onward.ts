import http from "node:http";

/**
 * For requests that are passed on to a server behind a front: a connection for each, as one that was kept may be ended by
 * the server just as it is used again.
 */
export const ONE_EACH = new http.Agent({ keepAlive: false });
