/** Last part of an ARM id or path: the name of what it is of. */
export function lastName(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}
