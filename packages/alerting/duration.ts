const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;

/**
 * Seconds of a Prometheus duration such as `90s`, `5m` or `1h30m`; units fall from week to second.
 * Undefined when it is malformed.
 */
export function promSeconds(duration: string): number | undefined {
  const parts = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration);
  if (duration === "" || !parts) return undefined;
  return (["w", "d", "h", "m", "s"] as const).reduce(
    (total, unit, index) => total + Number(parts[index + 1] ?? 0) * UNITS[unit],
    0,
  );
}

/** Seconds as Prometheus writes them, in the largest unit that leaves no rest. */
export function promDuration(seconds: number): string {
  const unit = (["d", "h", "m"] as const).find((name) => seconds > 0 && seconds % UNITS[name] === 0) ?? "s";
  return `${seconds / UNITS[unit]}${unit}`;
}

/** Seconds as ISO 8601, the only form Azure's rule groups accept: `PT5M`, `PT1H30M`, `P3D`. */
export function isoDuration(seconds: number): string {
  if (seconds === 0) return "PT0S";
  const days = Math.floor(seconds / UNITS.d);
  const hours = Math.floor((seconds % UNITS.d) / UNITS.h);
  const minutes = Math.floor((seconds % UNITS.h) / UNITS.m);
  const rest = seconds % UNITS.m;
  const time = [hours && `${hours}H`, minutes && `${minutes}M`, rest && `${rest}S`].filter(Boolean).join("");
  return `P${days ? `${days}D` : ""}${time ? `T${time}` : ""}`;
}
