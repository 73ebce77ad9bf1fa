import { messageOf } from "../../../packages/command/errors";

/**
 * What to say when a server lets a login in no more: each region has logins of its own, and a failover closes those of
 * the region that no longer serves. A pooler passes the server's words on.
 * @returns undefined for any other error
 */
export function fenced(error: unknown): string | undefined {
  const login = /role "([^"]+)" is not permitted to log in/.exec(messageOf(error))?.[1];
  if (login === undefined) return undefined;
  return `this region is fenced: ${login} may not log in, because another region serves; nothing here may write until a failover brings this region back`;
}
