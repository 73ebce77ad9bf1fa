import { buildPack } from "../../policies/pack/build";
import { Analyzer } from "./support/analyzer";
import { found } from "./support/found";
import { ROOT } from "./support/names";
import { configMap, leaves, prod } from "./support/vectors";

let analyzer: Analyzer;
beforeAll(async () => {
  buildPack(ROOT);
  analyzer = await Analyzer.start({ root: ROOT, stack: "staging" });
});
afterAll(() => analyzer?.stop());

test("the compiled pack finds what it looks for among 100,000 values", async () => {
  expect(found(await analyzer.analyze(configMap({ ...leaves(100_000), host: prod.host })))).toHaveLength(1);
});

test("the compiled pack survives a text of a mebibyte, and still finds what it looks for", async () => {
  expect(found(await analyzer.analyze(configMap({ text: "x-".repeat(512 * 1024) })))).toEqual([]);
  expect(found(await analyzer.analyze(configMap({ host: prod.host })))).toHaveLength(1);
});
