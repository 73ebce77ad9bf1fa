import { randomBytes } from "node:crypto";
import { guid } from "../model/cloud";
import { lastName } from "../model/ids";
import { stringAt } from "../model/paths";
import type { Cloud } from "../model/types";

export type PrincipalType = "User" | "Group" | "ServicePrincipal";

/** Somebody or something Entra knows. */
export interface Principal {
  readonly objectId: string;
  readonly type: PrincipalType;
  readonly displayName: string;
  /** Application id, with which a service principal signs in. */
  readonly appId?: string;
  /** Client secret of a service principal that has one. */
  readonly secret?: string;
  /** Object ids of the groups it is a member of. */
  readonly groups: readonly string[];
}

/** A token as the cloud remembers it. */
export interface Session {
  readonly principal: Principal;
  /** Resource it is for, without `/.default` and trailing slashes. */
  readonly audience: string;
  readonly expires: Date;
}

/** Life of a token in seconds, Entra's usual (https://learn.microsoft.com/entra/identity-platform/access-tokens). */
export const TOKEN_SECONDS = 3_600;

/** The principals of one tenant and the tokens they hold. */
export class Directory {
  readonly tenantId: string;
  private readonly principals = new Map<string, Principal>();
  private readonly sessions = new Map<string, Session>();

  /**
   * @param cloud Its managed identities are principals too.
   * @param tenantId Default: one made from the cloud's seed.
   * @param now The cloud's clock.
   */
  constructor(
    private readonly cloud: Cloud,
    tenantId?: string,
    readonly now: () => Date = () => new Date(),
  ) {
    this.tenantId = tenantId ?? guid(cloud.seed, "tenant");
  }

  /** Makes a principal known; its ids derive from the seed and the name unless given. */
  add(given: Partial<Principal> & Pick<Principal, "displayName">): Principal {
    const { displayName } = given;
    const principal: Principal = {
      type: "ServicePrincipal",
      objectId: guid(this.cloud.seed, displayName, "object"),
      appId: guid(this.cloud.seed, displayName, "application"),
      groups: [],
      ...given,
    };
    this.principals.set(principal.objectId.toLowerCase(), principal);
    return principal;
  }

  /** Everybody, the identities the cloud manages included. */
  all(): Principal[] {
    return [...this.principals.values(), ...this.managed()];
  }

  byObjectId(id: string): Principal | undefined {
    const wanted = id.toLowerCase();
    return (
      this.principals.get(wanted) ?? this.managed().find(({ objectId }) => objectId.toLowerCase() === wanted)
    );
  }

  byAppId(id: string): Principal | undefined {
    const wanted = id.toLowerCase();
    return this.all().find(({ appId }) => appId?.toLowerCase() === wanted);
  }

  /**
   * Issues a token.
   * @param audience Resource it is for.
   * @param seconds How long it lasts.
   */
  issue(principal: Principal, audience: string, seconds = TOKEN_SECONDS): string {
    const now = this.now();
    const expires = new Date(now.getTime() + seconds * 1_000);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = {
      aud: audience,
      iss: `https://sts.windows.net/${this.tenantId}/`,
      iat: Math.floor(now.getTime() / 1_000),
      exp: Math.floor(expires.getTime() / 1_000),
      oid: principal.objectId,
      sub: principal.objectId,
      tid: this.tenantId,
      ...(principal.appId && { appid: principal.appId }),
      ...(principal.type === "User" && { upn: principal.displayName }),
    };
    // It looks like Entra's so that clients can read it; what counts is that this directory remembers it.
    const token = [
      part({ typ: "JWT", alg: "RS256" }),
      part(claims),
      randomBytes(32).toString("base64url"),
    ].join(".");
    this.sessions.set(token, { principal, audience, expires });
    return token;
  }

  /** Whose token it is; undefined for one this directory never issued. It may have expired. */
  session(token: string): Session | undefined {
    return this.sessions.get(token);
  }

  expired({ expires }: Session): boolean {
    return expires.getTime() <= this.now().getTime();
  }

  /** Ends every session of a principal now, as when a pipeline outlives the token it cannot renew. */
  endSessions(objectId: string): void {
    for (const [token, session] of this.sessions) {
      if (session.principal.objectId === objectId)
        this.sessions.set(token, { ...session, expires: this.now() });
    }
  }

  private managed(): Principal[] {
    const found: Principal[] = [];
    for (const { id, outputs } of this.cloud.ofType("azure-native:managedidentity:UserAssignedIdentity")) {
      const objectId = stringAt(outputs, "principalId");
      const appId = stringAt(outputs, "clientId");
      if (!objectId) continue;
      const displayName = lastName(id);
      found.push({ objectId, type: "ServicePrincipal", displayName, groups: [], ...(appId && { appId }) });
    }
    return found;
  }
}
