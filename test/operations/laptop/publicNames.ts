import http from "node:http";
import type { AddressInfo } from "node:net";
import { REGION_HEADER } from "../../../apps/operations/ground/edge";
import { secretOf, specOf, SYNCED, writes, type Place } from "./regions";

const LOOPBACK = "127.0.0.1";
const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

/** The edge: whoever wrote within the last seconds is healthy, and requests go where its cluster's Services lead. */
export class PublicNames {
  /** What the API says of each partner, by the key it signs in with. */
  partners: Record<string, string> = {};
  private readonly edge = http.createServer((request, response) => this.answer(request, response));
  /** The API's own pods, for whoever reaches them past the public Service. */
  private readonly application = http.createServer((_request, response) => {
    const healthy = this.places.some((place) => !place.lost && writes(place));
    response.writeHead(healthy ? 200 : 503).end("the API itself");
  });

  /** @param enabled whether the edge lets anybody in */
  constructor(
    private readonly places: readonly Place[],
    private readonly enabled: () => boolean,
  ) {}

  async listen(): Promise<void> {
    for (const server of [this.edge, this.application])
      await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  }

  get port(): number {
    return portOf(this.edge);
  }

  get applicationPort(): number {
    return portOf(this.application);
  }

  async close(): Promise<void> {
    for (const server of [this.edge, this.application]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const end = (status: number, headers: Record<string, string> = {}, body = "") =>
      void response.writeHead(status, headers).end(body);
    const path = request.url ?? "/";
    if (!this.enabled()) return end(404);
    const service = path === "/" ? "dashboard" : "api";
    const place = this.places.find((one) => !one.lost && (one.page ?? writes(one)));
    if (!place) return end(503);
    const selector =
      specOf<{ selector?: Record<string, string> }>(place, "v1", "Service", service)?.selector ?? {};
    const region = { [REGION_HEADER]: place.facts.location };
    if (selector["app.kubernetes.io/name"] === "maintenance" && place.page)
      return void http
        .get({ port: place.page, host: LOOPBACK, path, headers: { host: service } }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...region });
          answer.pipe(response);
        })
        .on("error", () => end(502));
    if (selector["app"] !== service) return end(503, region);
    if (path === "/health/dependencies") return end(200, region, JSON.stringify(this.dependencies(place)));
    end(writes(place) ? 200 : 503, region);
  }

  /** The API's word about its partners: each is up with the keys it is known by here. */
  private dependencies(place: Place): object {
    const values = secretOf(place, SYNCED);
    const status = (partner: string) => {
      const known = this.partners[partner];
      return known === undefined || Object.values(values).includes(known) ? "up" : "down";
    };
    return {
      details: Object.fromEntries(
        ["shopify", "simplyprint", "sendcloud"].map((name) => [name, { status: status(name) }]),
      ),
    };
  }
}
