import { promSeconds } from "../../packages/alerting/duration";
import { SLOS } from "../../packages/alerting/slo";
import { BURN_RATES } from "../../packages/alerting/sloRules";
import { Sample } from "./samples";

/** How an objective's indicator is fed, a minute being wholly good or wholly bad. */
interface Feed {
  /** Good until minute `bad`, bad for `minutes` minutes, good again until `end`. */
  series: (bad: number, minutes: number, end: number) => Record<string, string>;
  /**
   * Where rules record each minute what ratios count, the same minutes as these rules record them. The shortest window is
   * fed with `series`, each minute evaluated; days of minutes are fed as recorded and evaluated where it matters.
   */
  recorded?: (bad: number, minutes: number, end: number) => Record<string, string>;
  /** Samples the ratio over `minutes` is made of, once there is enough history. */
  samples: (minutes: number) => number;
}

const FEEDS: Record<string, Feed> = {
  api_availability: {
    series: (bad, minutes, end) => ({
      'probe_success{job="api-health"}': `1x${bad - 1} 0x${minutes - 1} 1x${end}`,
    }),
    // A window holds the samples at both its ends.
    samples: (minutes) => minutes + 1,
  },
  api_latency: {
    series: (bad, minutes, end) => {
      const slow = `0+60x${bad - 1} ${60 * (bad - 1)}x${minutes - 1} ${60 * bad}+60x${end}`;
      const all = `0+60x${bad + minutes + end}`;
      return {
        'http_request_duration_seconds_bucket{le="0.5"}': slow,
        'http_request_duration_seconds_bucket{le="1"}': all,
        'http_request_duration_seconds_bucket{le="+Inf"}': all,
        http_request_duration_seconds_count: all,
      };
    },
    // A slow minute stays in the five minutes of the percentile.
    recorded: (bad, minutes, end) => ({
      "slo:api_latency:good": `1x${bad - 1} 0x${minutes + 3} 1x${end}`,
    }),
    samples: (minutes) => minutes + 1,
  },
  order_processing: {
    series: (bad, minutes, end) => ({
      'order_processing_time_seconds_bucket{le="30"}': `0+1x${bad - 1} ${bad - 1}x${minutes - 1} ${bad}+1x${end}`,
      order_processing_time_seconds_count: `0+1x${bad + minutes + end}`,
    }),
    // A rate sees the steps between samples.
    samples: (minutes) => minutes,
  },
};

/**
 * A budget level is reached with the `minutes`-th bad minute after so many good ones, and kept for half an hour.
 * Worked out per objective: of N moments, k bad ones use up k / N / budget.
 */
const BUDGET_CASES: Record<string, Record<string, { good: number; minutes: number; onset: number }>> = {
  // Budget 0.1%. Two of 3502: 43% left. Three of 3603: 17%. Four of 4004: nothing.
  api_availability: {
    Review: { good: 3_500, minutes: 2, onset: 3_501 },
    Pause: { good: 3_600, minutes: 3, onset: 3_602 },
    Emergency: { good: 4_000, minutes: 4, onset: 4_003 },
  },
  // Budget 1%. One slow minute makes five bad moments.
  api_latency: {
    Review: { good: 800, minutes: 1, onset: 804 },
    Pause: { good: 600, minutes: 1, onset: 604 },
    Emergency: { good: 500, minutes: 1, onset: 504 },
  },
  // Budget 0.5%.
  order_processing: {
    Review: { good: 700, minutes: 2, onset: 701 },
    Pause: { good: 720, minutes: 3, onset: 722 },
    Emergency: { good: 800, minutes: 4, onset: 803 },
  },
};

const camel = (name: string): string =>
  name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** How long a level of the budget must last. */
const BUDGET_FOR = "30m";

/** Evaluations are at the beginning and the end of `for`, and not between, where it lasts long. */
function everyFor(duration: string): number | undefined {
  const minutes = (promSeconds(duration) ?? 0) / 60;
  return minutes >= 15 ? minutes : undefined;
}

const SPEED = ["Fast", "Steady", "Slow", "Creeping"];

/** Samples of every alert that is generated from an objective. */
export function sloSamples(): Record<string, Sample> {
  return Object.fromEntries(
    SLOS.flatMap((slo) => {
      const feed = FEEDS[slo.name] as Feed;
      const labels = { slo: slo.name };
      const burns = BURN_RATES.map((rate, index): [string, Sample] => {
        const window = (promSeconds(rate.longWindow) ?? 0) / 60;
        const start = window + 10;
        const threshold = rate.factor * (1 - slo.target) * feed.samples(window);
        const bad = Math.floor(threshold) + 1;
        const counted = feed.recorded !== undefined && index === 0;
        const series = counted ? feed.series : (feed.recorded ?? feed.series);
        return [
          `${camel(slo.name)}Burn${SPEED[index]}`,
          {
            every: counted ? undefined : everyFor(rate.for),
            fires: [{ series: series(start, 400, 100), onset: start + bad - 1, labels }],
            silent: [
              { why: "all is well", series: series(200, 1, 100), at: 100 },
              // The long window still remembers, the short one has forgotten.
              {
                why: "the trouble is over",
                series: series(start, bad, 500),
                at:
                  start +
                  bad +
                  (promSeconds(rate.shortWindow) ?? 0) / 60 +
                  (promSeconds(rate.for) ?? 0) / 60 +
                  6,
              },
            ],
          },
        ];
      });
      const series = feed.recorded ?? feed.series;
      const budgets = Object.entries(BUDGET_CASES[slo.name] ?? {}).map(
        ([level, { good, minutes, onset }]): [string, Sample] => [
          `${camel(slo.name)}Budget${level}`,
          {
            every: everyFor(BUDGET_FOR),
            fires: [{ series: series(good, minutes, 200), onset, labels }],
            silent: [{ why: "nothing is lost", series: series(200, 1, 100), at: 100 }],
          },
        ],
      );
      return [...burns, ...budgets];
    }),
  );
}
