import { nameOf, typeOf } from "../../../packages/wire/urn";
import { byGravity, dangersInWords } from "../render/danger";
import type { PropertyChange, ResourceChange } from "../render/change";
import { countChanges } from "../render/diff";
import { shortType } from "../render/names";
import { count } from "../render/text";
import { Html, markup } from "./html";
import type { PageFacts, Section } from "./section";

type Changes = NonNullable<PageFacts["changes"]>;

/** What must not happen, in words; no section when there is nothing. */
export function stopSection({ list, against }: Changes): Section[] {
  const dangers = list.filter(({ danger }) => danger !== "");
  if (dangers.length === 0) return [];
  const body = markup`<p>Against <code>${against}</code>:</p>
    <ul>
      ${dangersInWords(dangers).map((danger) => markup`<li>${danger}</li>`)}
    </ul>`;
  return [{ id: "stop", title: `Stop: ${count(dangers.length, "change")} that must not happen`, body }];
}

const MARKS = { added: "+", removed: "−", changed: "~", replaced: "±", ignored: "=" } as const;

function shown(value: unknown): Html {
  if (value === undefined) return markup`<i>nothing</i>`;
  const text =
    typeof value === "object" && value !== null ? JSON.stringify(value, null, 1) : JSON.stringify(value);
  return markup`<code>${text}</code>`;
}

function propertyRow({ path, before, after, replaces, ignored }: PropertyChange): Html {
  const note = replaces ? "replaces" : ignored ? "ignored: Azure owns it, what exists keeps its value" : "";
  return markup`<tr>
    <th scope="row"><code>${path}</code>${note && markup` <em>${note}</em>`}</th>
    <td data-label="before">${shown(before)}</td>
    <td data-label="after">${shown(after)}</td>
  </tr>`;
}

function changeItem({ kind, urn, formerUrn, properties, danger }: ResourceChange): Html {
  const title = markup`<span class="mark" aria-hidden="true">${MARKS[kind]}</span> <b>${kind}</b>
    <span class="type">${shortType(typeOf(urn))}</span>
    ${nameOf(urn)}${formerUrn && markup` <i>(was ${nameOf(formerUrn)})</i>`}${danger && markup` <strong class="danger">${danger}</strong>`}`;
  if (properties.length === 0) return markup`<li class="${kind}">${title}</li>`;
  return markup`<li class="${kind}"><details${danger && markup` open`}><summary>${title}</summary>
    <table class="stacked"><thead><tr><th scope="col">Property</th><th scope="col">before</th><th scope="col">after</th></tr></thead><tbody>${properties.map(propertyRow)}</tbody></table></details></li>`;
}

/** Every change against an earlier plan, those that must not happen first. */
export function changesSection({ list, against }: Changes): Section {
  const worst = [...list].sort(byGravity);
  const body =
    list.length === 0
      ? markup`<p>None against <code>${against}</code>.</p>`
      : markup`<p>${countChanges(list)} against <code>${against}</code>.</p>
          <ul class="changes">
            ${worst.map(changeItem)}
          </ul>`;
  return { id: "changes", title: "Changes", body };
}
