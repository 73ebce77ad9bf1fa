import { rangesOf } from "../addresses";
import { Cursor } from "../read";
import type { Context, ResourceView, StackView, Violation } from "../rule";
import { watchOf } from "../context";
import { kubernetesObjects, nameOf } from "../objects";
import { refusalOf } from "../traffic";
import { stackRule } from "./metadata";

/** A named set of addresses and everything that uses it to let traffic through. */
interface AddressSet {
  readonly resource: ResourceView;
  readonly addresses: readonly Cursor[];
  /** Whether some rule lets through what is in the set. */
  readonly isAllowed: boolean;
  readonly isUsed: boolean;
}

const asked = (resource: ResourceView): Cursor => new Cursor(resource.inputs ?? resource.props);

/** Places in rules that let through, and in those that refuse. */
function uses(
  resource: ResourceView,
  matches: (place: Cursor, key: string) => boolean,
): { allows: boolean; any: boolean } {
  const refusal = refusalOf(resource.type);
  let allows = false;
  let any = false;
  const pending = [{ place: asked(resource), refused: false, key: "" }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { place, refused, key } = next;
    if (matches(place, key)) {
      any = true;
      allows ||= !refused;
    }
    const { value } = place;
    if (typeof value !== "object" || value === null) continue;
    const refuses = refused || refusal?.refuses(value) === true;
    pending.push(...place.items().map((inner) => ({ place: inner, refused: refuses, key })));
    for (const [name, inner] of place.entries()) {
      pending.push({ place: inner, refused: refuses || /^(?:egress|ingress)Deny$/.test(name), key: name });
    }
  }
  return { allows, any };
}

function ofAzure(stack: StackView): AddressSet[] {
  const groups = stack.resources.filter(({ type }) => /^azure-native[^:]*:network[^:]*:IpGroup$/.test(type));
  const users = stack.resources.filter(({ type }) => /:(?:AzureFirewall|FirewallPolicy\w*)$/.test(type));
  return groups.map((resource) => {
    const props = asked(resource);
    const name = (props.at("ipGroupsName").text ?? props.at("name").text ?? resource.name).toLowerCase();
    const found = users
      .filter(
        ({ dependencies, propertyDependencies }) =>
          dependencies.length === 0 ||
          [...dependencies, ...Object.values(propertyDependencies).flat()].includes(resource.urn),
      )
      .map((user) =>
        uses(user, (place, key) => {
          if (!/ipGroups$/i.test(key) || Array.isArray(place.value)) return false;
          // An id that is not known yet may be this one's.
          return place.unknown || place.text?.toLowerCase().endsWith(`/${name}`) === true;
        }),
      );
    return {
      resource,
      addresses: props.at("ipAddresses").items(),
      isAllowed: found.some(({ allows }) => allows),
      isUsed: found.some(({ any }) => any),
    };
  });
}

/** Whether a Calico selector takes in labels; one that is not plainly understood does. */
function calicoSelects(selector: string, labels: Cursor): boolean {
  return selector.split("&&").every((raw) => {
    const term = raw.trim().replace(/^\((.*)\)$/, "$1");
    const [, key = "", operator, value] = /^([\w./-]+)\s*(==|!=)\s*['"]([^'"]*)['"]$/.exec(term) ?? [];
    if (operator === "==") return labels.at(key).text === value;
    if (operator === "!=") return labels.at(key).text !== value;
    const [, has] = /^has\(([\w./-]+)\)$/.exec(term) ?? [];
    return has === undefined || labels.at(has).present;
  });
}

function ofKubernetes(stack: StackView): AddressSet[] {
  const views = stack.resources.map((resource) => ({
    ...resource,
    props: resource.inputs ?? resource.props,
  }));
  return views.flatMap((resource) =>
    kubernetesObjects(resource)
      .filter(({ kind }) => /^(?:CiliumCIDRGroup|NetworkSet|GlobalNetworkSet)$/.test(kind))
      .map((found): AddressSet => {
        const name = nameOf(found).name ?? "";
        const labels = found.object.at("metadata", "labels");
        const isCilium = found.kind === "CiliumCIDRGroup";
        const used = views
          .filter(({ type }) => /:(?:\w*NetworkPolicy)(?:Patch)?$/.test(type))
          .map((user) =>
            uses(user, (place, key) =>
              isCilium
                ? (key === "cidrGroupRef" && place.text === name) || key === "cidrGroupSelector"
                : key === "selector" &&
                  /(?:source|destination)\.selector$/.test(place.path) &&
                  calicoSelects(place.text ?? "", labels),
            ),
          );
        return {
          resource,
          addresses: [
            ...found.object.at("spec", "externalCIDRs").items(),
            ...found.object.at("spec", "nets").items(),
          ],
          isAllowed: used.some(({ allows }) => allows),
          isUsed: used.some(({ any }) => any),
        };
      }),
  );
}

function openSets(stack: StackView, context: Context): Violation[] {
  const { addresses: foreign } = watchOf(context).perimeter;
  return [...ofAzure(stack), ...ofKubernetes(stack)]
    .filter(({ isAllowed, isUsed }) => isAllowed || !isUsed)
    .flatMap(({ resource, addresses, isUsed }) =>
      addresses.flatMap((place): Violation[] => {
        const ranges = rangesOf(place.text ?? "").filter(({ first, last }) => last - first < 2 ** 32 - 1);
        const block = foreign.find((one) =>
          ranges.some(({ first, last }) => one.first <= last && first <= one.last),
        );
        return block
          ? [
              {
                urn: resource.urn,
                path: place.path,
                environment: block.environment,
                message: isUsed
                  ? `is in a set of addresses that a rule lets through, and takes in addresses of ${block.environment}`
                  : `is in a set of addresses no rule of this stack refuses, and takes in addresses of ${block.environment}`,
              },
            ]
          : [];
      }),
    );
}

/** A set is as open as the rules that use it. */
export const networkSetRule = stackRule({
  id: "ISO-024",
  name: "open-network-set",
  title: "Named sets of addresses leave other environments out",
  description:
    "An IP group of Azure, a CIDR group of Cilium or a network set of Calico holds addresses of another environment only where rules of the stack refuse it, and none lets it through.",
  why: "A rule that names a set names no address: what it opens stands in another resource.",
  remediation: "Take the addresses out of the set, or use it only in rules that deny.",
  url: "https://learn.microsoft.com/azure/firewall/ip-groups",
  appliesTo: "any",
  waf: ["SE:06"],
  check: openSets,
});
