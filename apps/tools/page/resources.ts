import type { Plan } from "../../../packages/offline-engine/planner";
import type { PlannedResource } from "../../../packages/offline-engine/resource";
import { displayName, factsOf, isStack, shortType } from "../render/names";
import { Html, markup } from "./html";
import type { Section } from "./section";

function label(resource: PlannedResource, { model }: Plan): Html {
  const facts = factsOf(resource);
  return markup`<span class="type">${shortType(resource.type)}</span>
    ${displayName(resource, model)}${facts.length > 0 && markup` <small>${facts.join(" · ")}</small>`}`;
}

/** Every resource below the component it is part of. */
export function resourcesSection(plan: Plan): Section {
  const childrenOf = new Map<string, PlannedResource[]>();
  for (const resource of plan.deployment.resources.values()) {
    childrenOf.set(resource.parent, [...(childrenOf.get(resource.parent) ?? []), resource]);
  }
  const sorted = (parent: string): PlannedResource[] =>
    (childrenOf.get(parent) ?? []).sort((a, b) => (a.type + a.name < b.type + b.name ? -1 : 1));
  const below = (urn: string): number =>
    sorted(urn).reduce((sum, child) => sum + Number(child.custom) + below(child.urn), 0);
  const item = (resource: PlannedResource): Html => {
    const children = sorted(resource.urn);
    if (children.length === 0) return markup`<li>${label(resource, plan)}</li>`;
    return markup`<li>
      <details>
        <summary>${label(resource, plan)} <small>${below(resource.urn)}</small></summary>
        <ul>
          ${children.map(item)}
        </ul>
      </details>
    </li>`;
  };
  const roots = sorted("").flatMap((root) => (isStack(root) ? sorted(root.urn) : [root]));
  const body = markup`<p>
      <label>Find <input type="search" id="find" placeholder="a name or a type" autocomplete="off" /></label>
      <output id="found" for="find"></output>
    </p>
    <ul class="tree">
      ${roots.map(item)}
    </ul>`;
  return { id: "resources", title: "Resources", body };
}
