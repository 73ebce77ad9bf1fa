import { badRequest } from "./status";

export type Labels = Readonly<Record<string, string>>;

/** A label selector as a query string writes it: `a=b,c!=d,e in (f,g),h,!i`. @throws StatusError 400 */
export function labelsMatch(selector: string | null): (labels: Labels) => boolean {
  const terms = splitTerms(selector ?? "").map(labelTerm);
  return (labels) => terms.every((term) => term(labels));
}

function splitTerms(text: string): string[] {
  return (text.match(/(?:[^,(]|\([^)]*\))+/g) ?? []).map((term) => term.trim()).filter(Boolean);
}

function labelTerm(term: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key = "", how, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "") === (how === "in");
  }
  const equal = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term);
  if (equal) {
    const [, key = "", sign, value = ""] = equal;
    return (labels) => (labels[key] === value) === (sign !== "!=");
  }
  const bare = /^(!?)([^\s=!]+)$/.exec(term);
  if (!bare) throw badRequest(`unable to parse requirement: ${term}`);
  const [, not, key = ""] = bare;
  return (labels) => key in labels === (not === "");
}

/** A field selector: only the fields the API server can select every kind by, and a pod's phase and node. */
export function fieldsMatch(selector: string | null): (object: object) => boolean {
  const terms = (selector ?? "").split(",").filter(Boolean).map(fieldTerm);
  return (object) => terms.every((term) => term(object));
}

const SELECTABLE = [
  "metadata.name",
  "metadata.namespace",
  "status.phase",
  "spec.nodeName",
  "involvedObject.name",
];

function fieldTerm(term: string): (object: object) => boolean {
  const parsed = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (!parsed) throw badRequest(`invalid field selector: ${term}`);
  const [, field = "", sign, value = ""] = parsed;
  if (!SELECTABLE.includes(field)) throw badRequest(`field label not supported: ${field}`);
  return (object) => {
    const found = field
      .split(".")
      .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], object);
    return ((typeof found === "string" ? found : "") === value) === (sign !== "!=");
  };
}
