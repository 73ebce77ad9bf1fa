/** When calls to a partner fail at once, and for how long. */
export interface CircuitSettings {
  /** Failures in a row after which calls fail at once. */
  maxConsecutiveFailures: number;
  /** Seconds until the partner is tried again. */
  ejectionSeconds: number;
}

/**
 * How much may be under way to one partner; more is refused at once, so that a slow one cannot tie all callers up.
 * As many may wait as may be under way: a cold gateway has no connection yet, and a burst is no outage.
 */
const CONCURRENCY = { maxConnections: 128, maxPendingRequests: 256, maxRequests: 256 } as const;

/** What makes a partner's cluster a circuit: how much may be under way, and what opens and closes it. */
export function circuitBreaker(settings: CircuitSettings) {
  return {
    // By default Envoy goes on using hosts it has ejected once too few are left.
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    circuit_breakers: {
      thresholds: [
        {
          priority: "DEFAULT",
          max_connections: CONCURRENCY.maxConnections,
          max_pending_requests: CONCURRENCY.maxPendingRequests,
          max_requests: CONCURRENCY.maxRequests,
          max_retries: 3,
          track_remaining: true,
        },
      ],
    },
    outlier_detection: outlierDetection(settings),
  };
}

function outlierDetection({ maxConsecutiveFailures, ejectionSeconds }: CircuitSettings) {
  return {
    consecutive_5xx: maxConsecutiveFailures,
    enforcing_consecutive_5xx: 100,
    // Counted above already; on their own they would only weaken the one limit.
    enforcing_consecutive_gateway_failure: 0,
    enforcing_success_rate: 0,
    enforcing_failure_percentage: 0,
    // How often ejections are looked at for their end.
    interval: "1s",
    base_ejection_time: `${ejectionSeconds}s`,
    // Without it the time grows with every ejection.
    max_ejection_time: `${ejectionSeconds}s`,
    max_ejection_time_jitter: "0s",
    max_ejection_percent: 100,
  };
}

/**
 * Tells what the gateway refuses itself from an answer of the partner's: an open circuit, too much under way, and a
 * region that does not serve.
 */
export function refusals(partner: string) {
  const refusal = (flag: string, circuit: string, error: string, more: object = {}) => ({
    filter: { response_flag_filter: { flags: [flag] } },
    status_code: 503,
    headers_to_add: [{ header: { key: "x-circuit", value: circuit } }],
    body_format_override: { json_format: { error, partner, ...more }, content_type: "application/json" },
  });
  return {
    mappers: [
      refusal("UH", "open", "circuit open"),
      refusal("UO", "full", "too many calls"),
      refusal("UAEX", "fenced", "region does not serve", { reason: "%LOCAL_REPLY_BODY%" }),
    ],
  };
}
