import type { ArmContext } from "../arm/context";
import { ArmError, Unreachable } from "../arm/errors";
import { lastName } from "../model/ids";
import { stringAt, textAt } from "../model/paths";
import type { Stored } from "../model/types";
import { judge } from "../network/firewall";
import type { Vantage } from "../network/vantage";
import type { Principal } from "../rights/directory";

interface Refused {
  readonly vault: Stored;
  readonly principal: Principal;
  /** Lines between the caller and the vault. */
  readonly details?: readonly string[];
}

/** A vault's 403, which says inside what forbids it. */
export class Forbidden extends ArmError {
  constructor(
    private readonly inner: "ForbiddenByRbac" | "ForbiddenByConnection" | "ForbiddenByFirewall",
    why: string,
    { vault: { id, inputs }, principal: { appId = "", objectId }, details = [] }: Refused,
  ) {
    const caller = `Caller: appid=${appId};oid=${objectId}`;
    const vault = `Vault: ${lastName(id)};location=${stringAt(inputs, "location") ?? ""}`;
    super(403, "Forbidden", [why, caller, ...details, vault].join("\r\n"));
  }

  override body(): object {
    const { code, message, inner } = this;
    return { error: { code, message, innererror: { code: inner } } };
  }
}

/**
 * Refuses whom a vault does not answer where they are.
 * @throws Forbidden (docs/emulated-azure.md says where the words are from); Unreachable
 */
export function refuseByNetwork(
  { cloud }: ArmContext,
  from: Vantage,
  vault: Stored,
  principal: Principal,
): void {
  const verdict = judge(cloud, from, vault);
  const refused = { vault, principal };
  const trusting = textAt(vault.inputs, "properties.networkAcls.bypass") === "AzureServices";
  switch (verdict.is) {
    case "answers":
      return;
    case "unreachable":
      throw new Unreachable(`no way leads from there to the vault ${lastName(vault.id)}`);
    case "closed":
      throw new Forbidden(
        "ForbiddenByConnection",
        trusting
          ? "Public network access is disabled and request is not from a trusted service nor via an approved private link."
          : "Connection is not an approved private link and caller was ignored because bypass is not set to 'AzureServices' and PublicNetworkAccess is set to 'Disabled'.",
        refused,
      );
    case "firewall":
      throw new Forbidden(
        "ForbiddenByFirewall",
        `Client address is not authorized and caller is not a trusted service.\r\nClient address: ${verdict.seen ?? ""}`,
        refused,
      );
  }
}
