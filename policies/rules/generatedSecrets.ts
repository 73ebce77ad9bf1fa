import { fault, must, type Cursor, type Outcome } from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { resourceRule } from "./define";
import { THRESHOLDS } from "./thresholds";

const { generatedSecretBits } = THRESHOLDS;

/** Special characters the provider chooses from where it is not told others. */
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";
/** Kinds of characters a password is made of, each unless it is told not to be. */
const KINDS: readonly (readonly [string, number])[] = [
  ["lower", 26],
  ["upper", 26],
  ["numeric", 10],
];

/** How many characters a password is chosen from. */
function alphabet(password: Cursor): number {
  const others = password.at("overrideSpecial").text ?? "";
  const special = new Set(others === "" ? SPECIAL : others).size;
  return [...KINDS, ["special", special] as const]
    .filter(([kind]) => password.at(kind).value !== false)
    .reduce((sum, [, size]) => sum + size, 0);
}

function strength(secret: Cursor, type: string): Outcome[] {
  const bitsEach = type.endsWith("Bytes") ? 8 : Math.log2(alphabet(secret));
  const { value: least } = generatedSecretBits;
  const length = secret.at("length");
  if (bitsEach <= 0) return fault(secret, "must be made of more than one character");
  const needed = Math.ceil(least / bitsEach);
  return must(
    length,
    (value) => typeof value === "number" && value >= needed,
    `be at least ${needed} for ${least} bits`,
  );
}

const generated = resourceRule(
  {
    id: "SEC-031",
    name: "generated-secret-strength",
    title: "Nobody guesses a secret the program generates",
    description: `Every generated password and key of production has ${generatedSecretBits.value} bits of chance or more, by its length and the characters it is made of.`,
    why: "A shorter one works as well as before, and can be tried out by whoever gets hold of its hash or a token made with it.",
    severity: "high",
    framework: { mcsb: ["IM-8"], waf: ["SE:09"], risks: ["R07", "R08"] },
    remediation: "Raise its length, or let it have more kinds of characters.",
    url: "https://www.pulumi.com/registry/packages/random/api-docs/randompassword/",
    appliesTo: "prod",
    types: [/^random:index\/random(?:Password|String|Bytes):/],
  },
  (secret, { type }) => strength(secret, type),
);

export const GENERATED_SECRET_RULES: readonly Rule[] = [generated];
