import { Cursor } from "../read";
import { type Context, type ResourceView, type StackView, type Violation } from "../rule";
import { watchOf } from "../context";
import { kubernetesObjects } from "../objects";
import { allPlaces, mayHold } from "../places";
import { canonical } from "../text";
import { stackRule } from "./metadata";

const GUID = String.raw`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`;
const IS_GUID = new RegExp(`^${GUID}$`);
const GUID_CHARS = 36;
const MAY_BE_GUID = new RegExp(GUID, "i");
/** Properties, annotations and settings that say as whom something signs in to Azure. */
const CLIENT_KEY =
  /^(?:azure\.workload\.identity\/client-id|(?:azure|arm)_client_id|userAssignedIdentityID|userAssignedIdentityClientId)$/i;
/** The same where only the kind of object says that the identity is Azure's. */
const CLIENT_OF: readonly (readonly [RegExp, RegExp])[] = [
  [/^SecretProviderClass$|^SecretSync$/, /^clientID$/i],
  [/^(?:Cluster)?SecretStore$|TriggerAuthentication$|^AzureIdentity$/, /^(?:identityId|clientID)$/i],
];
/** A call that signs in as somebody. */
const SIGNS_IN = new RegExp(String.raw`\baz\s+login\b[^\n;|&]{0,500}?(${GUID})(?![^\n;|&]{0,40}?/)`, "i");

/** Ids Azure gave the stack's own identities; what the program itself wrote there is a claim, no identity. */
function ownClients(stack: StackView): Set<string> {
  return new Set(
    stack.resources.flatMap(({ type, props, inputs }) => {
      const { clientId } = props;
      const isGiven =
        /:UserAssignedIdentity$/.test(type) && typeof clientId === "string" && inputs?.clientId === undefined;
      return isGiven ? [clientId.toLowerCase()] : [];
    }),
  );
}

/** Everybody an object signs in as, by client id. */
function clientsOf(resource: ResourceView): { place: Cursor; id: string }[] {
  const props = resource.inputs ?? resource.props;
  if (!mayHold(props, (at) => typeof at === "string" && at.length >= GUID_CHARS && MAY_BE_GUID.test(at)))
    return [];
  return kubernetesObjects({ ...resource, props }).flatMap(({ kind, object }) => {
    const ofKind = CLIENT_OF.find(([kinds]) => kinds.test(kind))?.[1];
    const isClient = (key: string): boolean => CLIENT_KEY.test(key) || (ofKind?.test(key) ?? false);
    return [...allPlaces(object)].flatMap((place) => {
      const { value } = place;
      if (typeof value === "string") {
        const [, id] = SIGNS_IN.exec(value) ?? [];
        return id === undefined ? [] : [{ place, id }];
      }
      if (typeof value !== "object" || value === null) return [];
      const setting = place.at("name").text;
      const parts = [...place.at("command").texts(), ...place.at("args").texts()];
      // A script in one of the parts is found where it stands.
      const [, caller] = parts.some((part) => SIGNS_IN.test(part))
        ? []
        : (SIGNS_IN.exec(parts.join(" ")) ?? []);
      if (caller !== undefined) return [{ place: place.at("command"), id: caller }];
      const places =
        setting !== undefined && CLIENT_KEY.test(setting)
          ? [place.at("value")]
          : place.entries().flatMap(([key, inner]) => (isClient(key) ? [inner] : []));
      return places.flatMap((one) => (one.text === undefined ? [] : [{ place: one, id: one.text }]));
    });
  });
}

function strangers(stack: StackView, context: Context): Violation[] {
  const { perimeter } = watchOf(context);
  const own = ownClients(stack);
  return stack.resources.flatMap((resource) =>
    clientsOf(resource).flatMap(({ place, id: text }): Violation[] => {
      const id = canonical(text).trim();
      if (!IS_GUID.test(id) || own.has(id) || perimeter.owns("clientIds", id)) return [];
      return [
        {
          urn: resource.urn,
          path: place.path,
          message: "signs in as an identity that neither this stack declares nor its environment lists",
        },
      ];
    }),
  );
}

/** A client id says nothing about whose it is, so it must be one that is known. */
export const clientRule = stackRule({
  id: "ISO-034",
  name: "foreign-client",
  title: "Workloads sign in as the stack's own identities",
  description:
    "Every client id that a service account, container, secret store, provider class or scaler of Kubernetes signs in to Azure with is one Azure gave an identity of this stack, or listed under `clientIds` for the environment.",
  why: "A client id is a number: nothing in it says whose identity it is, and one credential that trusts the wrong cluster makes it production's.",
  remediation:
    "Pass the `clientId` output of the identity this stack declares, or list the id in policies/inventory.yaml.",
  url: "https://learn.microsoft.com/azure/aks/workload-identity-overview",
  appliesTo: "any",
  waf: ["SE:05"],
  mcsb: ["IM-1", "IM-3"],
  check: strangers,
});
