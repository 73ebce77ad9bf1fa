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
/** Settings the SDKs of Azure read, wherever a program runs. */
const SETTING = /^(?:azure|arm)_client_id$/i;
/** The same where only the kind of object says that the identity is Azure's. */
const CLIENT_OF: readonly (readonly [RegExp, RegExp])[] = [
  [/^SecretProviderClass$|^SecretSync$/, /^clientID$/i],
  [/^(?:Cluster)?SecretStore$|TriggerAuthentication$|^AzureIdentity$/, /^(?:identityId|clientID)$/i],
];
/** A call that signs in as somebody. */
const SIGNS_IN = new RegExp(String.raw`\baz\s+login\b[^\n;|&]{0,500}?(${GUID})(?![^\n;|&]{0,40}?/)`, "i");
/** A line of a file of settings that says so. */
const SETS = new RegExp(String.raw`(?:azure|arm)_client_id["']?\s{0,9}[=:]\s{0,9}["']?(${GUID})`, "i");
/** Who a text signs in as. */
const signsInAs = (text: string): string | undefined => (SIGNS_IN.exec(text) ?? SETS.exec(text))?.[1];
/** A word of each key that names a client, the value of a named setting among them, and of each text that signs in. */
const MAY_NAME = /^value$|client|identity/i;
const MAY_SIGN_IN = /login|client_id/i;
/** What a machine starts with, in base64. */
const START = /^(?:customData|userData)$/;

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

interface Client {
  readonly place: Cursor;
  readonly id: string;
}

/** Whether somebody may sign in by what a text says, or by what stands under its key. A part of a command line has no key. */
const mayBeClient = (at: object | string, key: string | undefined): boolean =>
  typeof at === "string" &&
  at.length >= GUID_CHARS &&
  ((MAY_BE_GUID.test(at) && (key === undefined || MAY_NAME.test(key) || MAY_SIGN_IN.test(at))) ||
    (key !== undefined && START.test(key)));

/** Everybody a resource signs in as, by client id. */
function clientsOf(resource: ResourceView): Client[] {
  const props = resource.inputs ?? resource.props;
  if (!mayHold(props, mayBeClient)) return [];
  const objects = kubernetesObjects({ ...resource, props });
  if (objects.length === 0) return clientsIn(new Cursor(props), (key) => SETTING.test(key));
  return objects.flatMap(({ kind, object }) => {
    const ofKind = CLIENT_OF.find(([kinds]) => kinds.test(kind))?.[1];
    return clientsIn(object, (key) => CLIENT_KEY.test(key) || (ofKind?.test(key) ?? false));
  });
}

/** Everybody the texts and settings of a tree sign in as. */
function clientsIn(root: Cursor, isClient: (key: string) => boolean): Client[] {
  return [...allPlaces(root)].flatMap((place): Client[] => {
    const { value } = place;
    if (typeof value === "string") {
      const id = signsInAs(value);
      return id === undefined ? [] : [{ place, id }];
    }
    if (typeof value !== "object" || value === null) return [];
    const setting = place.at("name").text;
    const parts = [...place.at("command").texts(), ...place.at("args").texts()];
    // A script in one of the parts is found where it stands.
    const caller = parts.some((part) => signsInAs(part) !== undefined)
      ? undefined
      : signsInAs(parts.join(" "));
    if (caller !== undefined) return [{ place: place.at("command"), id: caller }];
    const started = place.entries().flatMap(([key, inner]): Client[] => {
      const id = START.test(key) ? signsInAs(Buffer.from(inner.text ?? "", "base64").toString()) : undefined;
      return id === undefined ? [] : [{ place: inner, id }];
    });
    const places =
      setting !== undefined && isClient(setting)
        ? [place.at("value")]
        : place.entries().flatMap(([key, inner]) => (isClient(key) ? [inner] : []));
    const set = places.flatMap((one) => (one.text === undefined ? [] : [{ place: one, id: one.text }]));
    return [...started, ...set];
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
    "Every client id that a service account, container, secret store, provider class or scaler of Kubernetes, a site, container app or machine of Azure, or a file of settings signs in to Azure with is one Azure gave an identity of this stack, or listed under `clientIds` for the environment.",
  why: "A client id is a number: nothing in it says whose identity it is, and one credential that trusts the wrong cluster makes it production's.",
  remediation:
    "Pass the `clientId` output of the identity this stack declares, or list the id in policies/inventory.yaml.",
  url: "https://learn.microsoft.com/azure/aks/workload-identity-overview",
  appliesTo: "any",
  waf: ["SE:05"],
  mcsb: ["IM-1", "IM-3"],
  check: strangers,
});
