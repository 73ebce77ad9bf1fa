import randomFacts from "../facts/random.json";
import type { Facts } from "../facts/types";
import { numberAt, stringAt, valueAt } from "./paths";
import { Shapes } from "./shapes";
import { Failure, Made, PackageModel, ResourceModel, Tree } from "./types";

const FACTS = randomFacts as unknown as Facts;
const SHAPES = new Shapes(FACTS);

const CLASSES = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
  special: "!@#$%&*()-_=+[]{}<>:?",
} as const;
type CharacterClass = keyof typeof CLASSES;

/** Characters allowed in a text, by class; a class is left out when its input is false. */
function alphabet(inputs: Tree): Partial<Record<CharacterClass, string>> {
  const special = stringAt(inputs, "overrideSpecial") ?? CLASSES.special;
  const all: Record<CharacterClass, string> = { ...CLASSES, special };
  return Object.fromEntries(Object.entries(all).filter(([name]) => valueAt(inputs, name) !== false));
}

/** Text that holds at least the asked number of each class, then anything allowed. */
function text({ inputs, random }: Made): string {
  const allowed = alphabet(inputs);
  const pick = (from: string, at: number): string =>
    from[parseInt(random(`character ${at}`, 8), 16) % from.length] ?? "";
  const everything = Object.values(allowed).join("");
  const wanted = (Object.keys(allowed) as CharacterClass[]).flatMap((name) => {
    const least = numberAt(inputs, `min${name.charAt(0).toUpperCase()}${name.slice(1)}`) ?? 0;
    return Array.from({ length: least }, () => allowed[name] as string);
  });
  const length = numberAt(inputs, "length") ?? 0;
  return Array.from({ length }, (_, i) => pick(wanted[i] ?? everything, i)).join("");
}

function checkText(inputs: Tree): Failure[] {
  const length = numberAt(inputs, "length");
  const least = ["minLower", "minUpper", "minNumeric", "minSpecial"]
    .map((name) => numberAt(inputs, name) ?? 0)
    .reduce((a, b) => a + b, 0);
  const failures: Failure[] = [];
  if (length !== undefined && length < Math.max(least, 1)) {
    failures.push({ property: "length", reason: `must be at least ${Math.max(least, 1)}, not ${length}` });
  }
  if (Object.keys(alphabet(inputs)).length === 0) {
    failures.push({ property: "", reason: "every class of characters is switched off" });
  }
  return failures;
}

interface RandomDefinition {
  readonly secretOutputs?: readonly string[];
  readonly check?: (inputs: Tree) => readonly Failure[];
  readonly make: (made: Made) => Tree;
  /** Output that is the id; secrets have the id `none`. */
  readonly id?: string;
}

function bytes(made: Made, count: number): Buffer {
  let hex = "";
  for (let i = 0; hex.length < count * 2; i++) hex += made.random(`bytes ${i}`, 64);
  return Buffer.from(hex.slice(0, count * 2), "hex");
}

const TABLE: Readonly<Record<string, RandomDefinition>> = {
  RandomPassword: {
    secretOutputs: ["result", "bcryptHash"],
    check: checkText,
    make: (made) => ({ result: text(made), bcryptHash: `$2a$10$${made.random("bcrypt", 53)}` }),
  },
  RandomString: {
    check: checkText,
    make: (made) => ({ result: text(made) }),
    id: "result",
  },
  RandomBytes: {
    secretOutputs: ["base64", "hex"],
    make: (made) => {
      const value = bytes(made, numberAt(made.inputs, "length") ?? 0);
      return { base64: value.toString("base64"), hex: value.toString("hex") };
    },
  },
  RandomId: {
    make: (made) => {
      const value = bytes(made, numberAt(made.inputs, "byteLength") ?? 0);
      const prefix = stringAt(made.inputs, "prefix") ?? "";
      const hex = value.toString("hex");
      return {
        hex: prefix + hex,
        b64Std: prefix + value.toString("base64"),
        b64Url: prefix + value.toString("base64url"),
        dec: prefix + BigInt(`0x${hex || "0"}`).toString(),
      };
    },
    id: "b64Url",
  },
  RandomInteger: {
    check: (inputs) => {
      const [min, max] = [numberAt(inputs, "min"), numberAt(inputs, "max")];
      return min !== undefined && max !== undefined && max < min
        ? [{ property: "max", reason: `must be at least min (${min}), not ${max}` }]
        : [];
    },
    make: ({ inputs, random }) => {
      const [min, max] = [numberAt(inputs, "min") ?? 0, numberAt(inputs, "max") ?? 0];
      return { result: min + (parseInt(random("integer", 8), 16) % (max - min + 1)) };
    },
    id: "result",
  },
  RandomUuid: {
    make: ({ guid }) => ({ result: guid("uuid") }),
    id: "result",
  },
};

/** Values are made once and live in Pulumi's state: nothing exists in the cloud, and any changed input replaces. */
function model(type: string): ResourceModel {
  const facts = FACTS.resources[type];
  const definition = TABLE[type.split(":")[2] as string];
  if (!facts || !definition) throw new Error(`no table entry for ${type}`);
  const inputs = Object.entries(FACTS.shapes[facts.inputs] ?? {});
  return {
    type,
    required: inputs.filter(([, property]) => property.required).map(([name]) => name),
    immutable: inputs.map(([name]) => name),
    holdsData: false,
    preview: (given) => SHAPES.preview(facts.outputs, given),
    secretOutputs: definition.secretOutputs ?? [],
    idInputs: [],
    id: () => "",
    key: (id) => `${type}:${id}`,
    parents: () => [],
    check: (given) => [...SHAPES.check(facts.inputs, given), ...(definition.check?.(given) ?? [])],
    stateOnly: true,
    refreshed: (found, state) => state?.inputs ?? found.inputs,
    computed: (made) => ({ ...made.inputs, ...definition.make(made) }),
    idFrom: (outputs) => (definition.id ? String(outputs[definition.id] as string | number) : "none"),
  };
}

export const RANDOM: PackageModel = {
  name: "random",
  version: FACTS.sources["@pulumi/random"] as string,
  resources: Object.keys(FACTS.resources).map(model),
  functions: [],
  checkConfig: () => [],
};
