/** When a secret issued on a day (ISO date) expires, in Unix seconds. */
export function expiry(issued: string, rotationDays: number): number {
  return Date.parse(`${issued}T00:00:00Z`) / 1000 + rotationDays * 86_400;
}
