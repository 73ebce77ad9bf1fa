/** A moment in names of files and branches, to the second: 20261130T031200. */
export const compact = (at: Date): string => at.toISOString().slice(0, 19).replace(/[-:]/g, "");

/** A span for people: 95 s, 12 min, 5.2 h, 3.1 d. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}
