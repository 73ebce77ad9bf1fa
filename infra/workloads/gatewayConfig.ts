import { circuitBreaker, type CircuitSettings, refusals } from "./circuitBreaker";

/** A partner's API as the gateway reaches it. */
export interface Partner {
  name: string;
  /** Port inside the cluster that leads to the partner. */
  port: number;
  /** Host of the API, or the host all accounts' hosts resolve to. */
  host: string;
  /**
   * Hosts of single accounts, e.g. `*.myshopify.com`: the caller names one in the Host header. Absent: the one host
   * is used whatever the caller names.
   */
  accountHosts?: string;
  /** Called from a region that does not serve too: nothing is told there that another region could tell otherwise. */
  fromAnyRegion?: true;
}

/** The partners of the report's §4.5. */
export const PARTNERS: readonly Partner[] = [
  { name: "shopify", port: 8101, host: "shops.myshopify.com", accountHosts: "*.myshopify.com" },
  { name: "simplyprint", port: 8102, host: "api.simplyprint.io" },
  { name: "sendcloud", port: 8103, host: "panel.sendcloud.sc" },
];

/** Whom the gateway leads to: the partners, and where error reports go, the host of which is the environment's. */
export function outsideOf(errorReports: string | undefined): readonly Partner[] {
  return errorReports === undefined
    ? PARTNERS
    : [...PARTNERS, { name: "error-reports", port: 8104, host: errorReports, fromAnyRegion: true }];
}

/** Port for probes and metrics. */
export const GATEWAY_STATUS_PORT = 9902;

/** Envoy's own administration, reachable inside its pod only: it can stop the proxy. */
const ADMIN_PORT = 9901;

export interface GatewaySettings extends CircuitSettings {
  /** Seconds a call may take. */
  timeoutSeconds: number;
  /** Port inside the pod that says of each call whether the region serves; absent: it always does. */
  permissionPort?: number;
}

/** Connections of all callers together; the memory limit is for more, and a leak of a caller's must not reach it. */
const MAX_DOWNSTREAM_CONNECTIONS = 2_000;

/**
 * Seconds after which a caller's connection is not used again: the answer to its next call says so. Envoy ends at once
 * when it is told to, whatever is under way, so a pod that leaves must have lost its callers before.
 */
const CONNECTION_SECONDS = 10;

/**
 * Seconds from the moment a gateway leaves its Service until no call is under way in it: the last connection made to
 * it has come of age, the call it carried then has ended, and load balancing has had time to learn.
 */
export function drainSeconds({ timeoutSeconds }: Pick<GatewaySettings, "timeoutSeconds">): number {
  return CONNECTION_SECONDS + timeoutSeconds + 5;
}

const EXTENSION = "type.googleapis.com/envoy.extensions";
const seconds = (value: number): string => `${value}s`;
const socketAddress = (address: string, port: number) => ({ socket_address: { address, port_value: port } });

/**
 * Envoy's configuration as the integration gateway: for each partner a port that adds TLS, a time limit and a
 * circuit breaker. A partner that fails several times in a row is left alone for a while, and its callers get 503
 * with `x-circuit: open` at once; then it is tried again. Each of the gateway's pods counts for itself.
 *
 * Only failed connections are retried: a request that may have reached a partner could print or ship twice.
 */
export function envoyConfig(settings: GatewaySettings, partners: readonly Partner[] = PARTNERS): object {
  return {
    admin: { address: socketAddress("127.0.0.1", ADMIN_PORT) },
    overload_manager: {
      resource_monitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type": `${EXTENSION}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: MAX_DOWNSTREAM_CONNECTIONS,
          },
        },
      ],
    },
    static_resources: {
      listeners: [...partners.map((partner) => partnerListener(partner, settings)), statusListener()],
      clusters: [
        ...partners.map((partner) => partnerCluster(partner, settings)),
        localCluster("admin", ADMIN_PORT),
        ...(settings.permissionPort ? [localCluster(PERMISSION, settings.permissionPort)] : []),
      ],
    },
  };
}

const ROUTER = {
  name: "envoy.filters.http.router",
  typed_config: { "@type": `${EXTENSION}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
};

/** Cluster that says whether the region serves. */
const PERMISSION = "permission";

/** Seconds that answer may take; it is a look into the memory of a neighbour. */
const PERMISSION_SECONDS = 1;

/**
 * Asks of each call whether the region serves, before the partner hears of it. Without an answer the call is refused: a
 * region that does not know may be one that was given up.
 */
function permissionFilter(port: number) {
  return {
    name: "envoy.filters.http.ext_authz",
    typed_config: {
      "@type": `${EXTENSION}.filters.http.ext_authz.v3.ExtAuthz`,
      transport_api_version: "V3",
      failure_mode_allow: false,
      status_on_error: { code: 503 },
      http_service: {
        server_uri: {
          uri: `http://127.0.0.1:${port}`,
          cluster: PERMISSION,
          timeout: seconds(PERMISSION_SECONDS),
        },
        path_prefix: "/may-call",
      },
    },
  };
}

function partnerListener(partner: Partner, settings: GatewaySettings) {
  return {
    name: partner.name,
    address: socketAddress("0.0.0.0", partner.port),
    filter_chains: [
      {
        filters: [
          httpManager(partner.name, partnerHosts(partner, settings), {
            // Partners see nothing of what is behind the gateway.
            skip_xff_append: true,
            local_reply_config: refusals(partner.name),
            common_http_protocol_options: { max_connection_duration: seconds(CONNECTION_SECONDS) },
            // The caller is told with an answer; a connection that is closed under it may carry a call just then.
            http1_safe_max_connection_duration: true,
            http_filters: [
              ...(settings.permissionPort && !partner.fromAnyRegion
                ? [permissionFilter(settings.permissionPort)]
                : []),
              ROUTER,
            ],
          }),
        ],
      },
    ],
  };
}

function httpManager(name: string, virtualHosts: object[], extra: object = {}) {
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: name,
      strip_any_host_port: true,
      normalize_path: true,
      route_config: { name, virtual_hosts: virtualHosts },
      http_filters: [ROUTER],
      ...extra,
    },
  };
}

function partnerHosts({ name, host, accountHosts }: Partner, { timeoutSeconds }: GatewaySettings): object[] {
  const route = {
    match: { prefix: "/" },
    route: {
      cluster: name,
      timeout: seconds(timeoutSeconds),
      retry_policy: { retry_on: "connect-failure,refused-stream", num_retries: 1 },
      ...(!accountHosts && { host_rewrite_literal: host }),
    },
  };
  const headers = { request_headers_to_remove: ["x-forwarded-proto", "x-request-id"] };
  if (!accountHosts) return [{ name, domains: ["*"], routes: [route], ...headers }];
  return [
    { name, domains: [accountHosts], routes: [route], ...headers },
    {
      name: `${name}-unknown`,
      domains: ["*"],
      routes: [
        {
          match: { prefix: "/" },
          direct_response: { status: 421, body: { inline_string: `Host must be one of ${accountHosts}\n` } },
        },
      ],
    },
  ];
}

function partnerCluster({ name, host, accountHosts }: Partner, settings: GatewaySettings) {
  return {
    name,
    // One logical host whatever the name resolves to, so that failures are counted per partner.
    type: "LOGICAL_DNS",
    dns_lookup_family: "V4_ONLY",
    connect_timeout: seconds(Math.min(5, settings.timeoutSeconds)),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, 443) } }] }],
    },
    ...circuitBreaker(settings),
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${EXTENSION}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { idle_timeout: "60s" },
        ...(accountHosts && {
          upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true },
        }),
      },
    },
    transport_socket: upstreamTls(accountHosts ? undefined : host),
  };
}

function upstreamTls(host: string | undefined) {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${EXTENSION}.transport_sockets.tls.v3.UpstreamTlsContext`,
      ...(host && { sni: host }),
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
        validation_context: {
          trusted_ca: { filename: "/etc/ssl/certs/ca-certificates.crt" },
          ...(host && {
            match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: host } }],
          }),
        },
      },
    },
  };
}

/** Readiness and metrics only; the rest of the administration stays inside the pod. */
function statusListener() {
  const route = (path: string) => ({ match: { path }, route: { cluster: "admin" } });
  return {
    name: "status",
    address: socketAddress("0.0.0.0", GATEWAY_STATUS_PORT),
    // A gateway full of callers is not a sick one.
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [
          httpManager("status", [
            { name: "status", domains: ["*"], routes: [route("/ready"), route("/stats/prometheus")] },
          ]),
        ],
      },
    ],
  };
}

/** Something inside the pod. */
function localCluster(name: string, port: number) {
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress("127.0.0.1", port) } }] }],
    },
  };
}
