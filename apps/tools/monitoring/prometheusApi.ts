import { NotRunError } from "../../../packages/command/errors";
import { Minute } from "../../../packages/alerting/report";

/** Prometheus could not be asked, or did not answer what was asked. */
class PrometheusError extends NotRunError {}

/** Prometheus answers at most 11,000 points a series; a week of minutes is 10,080. */
const MINUTES_PER_QUERY = 7 * 1_440;

/** 1 when the health check passed through a whole minute, less when it failed in it. */
const QUERY = 'min(min_over_time(probe_success{job="api-health"}[1m]))';

interface RangeAnswer {
  status?: string;
  error?: string;
  data?: { resultType?: string; result?: { values?: [number, string][] }[] };
}

/**
 * State of the API's health check in every minute of a window; a minute without a sample is unknown.
 * @param from first minute, Unix milliseconds, on a whole minute. @param count minutes.
 * @throws PrometheusError
 */
export async function healthMinutes(
  server: { url: string; token?: string },
  from: number,
  count: number,
): Promise<Minute[]> {
  const minutes = new Array<Minute>(count).fill("unknown");
  for (let first = 0; first < count; first += MINUTES_PER_QUERY) {
    const last = Math.min(first + MINUTES_PER_QUERY, count) - 1;
    // A sample at the end of a minute looks back over it.
    const at = (index: number) => from / 1_000 + (index + 1) * 60;
    for (const [time, value] of await range(server, at(first), at(last))) {
      const index = Math.round((time - from / 1_000) / 60) - 1;
      if (index >= 0 && index < count) minutes[index] = Number(value) === 1 ? "up" : "down";
    }
  }
  return minutes;
}

async function range(
  { url, token }: { url: string; token?: string },
  start: number,
  end: number,
): Promise<[number, string][]> {
  const address = new URL(`${url.replace(/\/+$/, "")}/api/v1/query_range`);
  address.search = new URLSearchParams({
    query: QUERY,
    start: String(start),
    end: String(end),
    step: "60",
  }).toString();
  let answer: RangeAnswer;
  let status: number;
  try {
    const response = await fetch(address, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(60_000),
    });
    status = response.status;
    answer = (await response.json()) as RangeAnswer;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new PrometheusError(
      `${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  if (answer.status !== "success" || answer.data?.resultType !== "matrix") {
    throw new PrometheusError(`${url} answered ${status}: ${answer.error ?? "not a range of samples"}`);
  }
  return answer.data.result?.[0]?.values ?? [];
}
