import { buildPack } from "../../policies/pack/build";
import { Analyzer } from "./support/analyzer";
import { found } from "./support/found";
import { ROOT } from "./support/names";
import { configMap, leaves, prod } from "./support/vectors";

test("the compiled pack finds what it looks for among 100,000 values", async () => {
  buildPack(ROOT);
  const analyzer = await Analyzer.start({ root: ROOT, stack: "staging" });
  try {
    expect(found(await analyzer.analyze(configMap({ ...leaves(100_000), host: prod.host })))).toHaveLength(1);
  } finally {
    await analyzer.stop();
  }
});
