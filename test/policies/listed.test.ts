import { AZURE_CLASSES, AZURE_DANGERS } from "../../packages/isolation/types/azure";
import { KIND_CLASSES, KIND_DANGERS } from "../../packages/isolation/types/kubernetes";
import { judgeAzureType, judgeKind, judgeTemplateType } from "../../packages/isolation/types/listed";
import { reviewed } from "./support/reviewed";

/** What is said of a type: where it may be declared, or which danger keeps it out. */
function verdictOf(line: string): string {
  const [world = "", name = ""] = line.split(" ");
  if (world === "template") return judgeTemplateType(name)?.danger ?? "listed";
  if (world === "kind") {
    const [group = "", kind = ""] = name.split(":");
    return judgeKind(group === "core" ? "" : group, kind)?.danger ?? "listed";
  }
  const [prod, elsewhere] = [true, false].map(
    (isProd) => judgeAzureType(`azure-native:${name}`, isProd)?.danger,
  );
  return prod === elsewhere ? (prod ?? "any") : `${elsewhere ?? "listed"}, in prod ${prod ?? "listed"}`;
}

/** An example of each entry of a list of `module: Name Name…`. */
const examples = (world: string, lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const [module = "", names = ""] = line.split(": ");
    const group = module.replace("*.", "some.");
    return names.split(" ").map((name) => `${world} ${group}:${name.replaceAll("*", "Some")}`);
  });

const templateExamples = (types: readonly string[]): string[] =>
  types.flatMap((type) =>
    type.endsWith("/**")
      ? [`template ${type.slice(0, -3)}`, `template ${type.slice(0, -3)}/some/below`]
      : [`template ${type}`],
  );

const ENTRIES = [
  ...examples(
    "azure",
    [...AZURE_CLASSES, ...AZURE_DANGERS].flatMap(({ types }) => types),
  ),
  ...templateExamples([...AZURE_CLASSES, ...AZURE_DANGERS].flatMap(({ templates }) => templates)),
  ...examples(
    "kind",
    [...KIND_CLASSES, ...KIND_DANGERS].flatMap(({ kinds }) => kinds),
  ),
];

/** Lines `world name: verdict`, one example of each entry of the lists. */
const REVIEWED = reviewed("types.txt").trim().split("\n");

describe("what may be declared is what was reviewed", () => {
  test("every example is judged as it was reviewed", () => {
    expect(
      REVIEWED.map((line) => line.replace(/: .*$/, "")).map((name) => `${name}: ${verdictOf(name)}`),
    ).toEqual(REVIEWED);
  });

  test("every entry of the lists has an example", () => {
    const named = new Set(REVIEWED.map((line) => line.replace(/: .*$/, "")));
    expect(ENTRIES.filter((one) => !named.has(one))).toEqual([]);
  });

  test("a name that only begins or ends as a listed one is on no list", () => {
    const near = REVIEWED.filter((line) => /: (?:any|listed)/.test(line))
      .map((line) => line.replace(/: .*$/, ""))
      .filter((name) => !name.includes("Some") && !name.includes("/some/"))
      .flatMap((name) => [`${name}Like`, name.replace(" ", " un")]);
    expect(near.length).toBeGreaterThan(200);
    expect(near.filter((name) => /^(?:any|listed)/.test(verdictOf(name)))).toEqual([]);
  });
});
