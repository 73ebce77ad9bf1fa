import { Engine } from "./support/engine";
import { longStrings, timed } from "./support/hostile";
import { found, wanted } from "./support/found";
import { innocents, vectors } from "./support/load";
import { configMap, prod, staging, stackRoot } from "./support/vectors";
import { isolationRules } from "../../packages/isolation/rules";
import { waiverRules } from "../../policies/pack/adapter/waiverRules";
import type { Rule } from "../../packages/isolation/rule";
import { type Waiver, Waivers } from "../../policies/pack/waivers";

const place = { stack: "staging", project: "forma3d" };
const judged = vectors.filter(({ resources, refuses }) => resources.length > 0 && !refuses);

describe("every isolation rule", () => {
  test.each(isolationRules.map((rule) => [rule.id, rule] as const))("%s is complete", (_, rule) => {
    expect(rule.id).toMatch(/^ISO-\d{3}$/);
    expect(rule.name).toMatch(/^[a-z]+(-[a-z]+)+$/);
    for (const text of [rule.title, rule.description, rule.why, rule.remediation]) {
      expect(text.length).toBeGreaterThan(15);
    }
    expect(rule.url).toMatch(/^https:\/\//);
    expect(rule.levelCanBeLowered).toBe(false);
    expect(rule.framework.risks.length).toBeGreaterThan(0);
  });

  test("has an id and a name of its own", () => {
    expect(new Set(isolationRules.map(({ id }) => id)).size).toBe(isolationRules.length);
    expect(new Set(isolationRules.map(({ name }) => name)).size).toBe(isolationRules.length);
  });

  test.each(isolationRules.map((rule) => [rule.id, rule] as const))(
    "%s has a compliant fixture it looks at",
    (id, rule) => {
      const looksAtAll = rule.scope === "resource" && rule.types === undefined;
      const examples = innocents.filter(({ complies }) => complies?.includes(id));
      expect(looksAtAll || rule.id === "ISO-012" || examples.length > 0).toBe(true);
    },
  );

  /** A rule that always passes. */
  const passing = (rule: Rule): Rule => ({ ...rule, check: () => [] });

  test.each(isolationRules.map((rule) => [rule.id, rule] as const))(
    "%s: the fixtures fail when it always passes",
    async (id, rule) => {
      const broken = isolationRules.map((other) => (other === rule ? passing(rule) : other));
      const affected = judged.filter(({ expect: expected, update = [] }) =>
        [...expected, ...update].some((entry) => entry.rule === id),
      );
      expect(affected.length).toBeGreaterThan(0);
      const missed = [];
      for (const { id: name, stack = "staging", project = "forma3d", ...vector } of affected) {
        const isDryRun = vector.expect.some((entry) => entry.rule === id);
        const engine = new Engine({ ...vector, stack, project, rules: broken, isDryRun });
        const entries = found(await engine.run(vector.resources));
        const expected = wanted(
          [...vector.expect, ...(isDryRun ? [] : (vector.update ?? []))],
          vector.resources,
        );
        if (expected.some((entry) => !entries.includes(entry))) missed.push(name);
      }
      expect(missed.length).toBeGreaterThan(0);
    },
  );
});

test("no message holds what it found", async () => {
  const secrets = [
    "hunter2-hunter2",
    "correct-horse-battery",
    "S3cr3t-generated-value",
    prod.server,
    prod.names.virtualEndpoint,
    prod.vault,
    prod.account,
    prod.subscriptionId,
    prod.address,
    prod.region.cluster,
    prod.region.resourceGroup,
    "db.internal.example",
    "legacy-orders",
  ];
  for (const { stack = "staging", project = "forma3d", extras, config, resources } of judged) {
    const engine = new Engine({ stack, project, extras, config });
    for (const { message } of await engine.run(resources)) {
      for (const secret of secrets) expect(message.toLowerCase()).not.toContain(secret.toLowerCase());
    }
  }
});

describe("waivers", () => {
  const subject = configMap({ host: prod.address }, "subject");
  const waiver: Waiver = {
    rule: "ISO-006",
    resource: "urn:pulumi:staging::forma3d::kubernetes:core/v1:ConfigMap::subject",
    path: "data.host",
    reason: "an address that is only displayed, until the page is rebuilt",
    owner: "someone@forma3d.com",
    expires: "2026-01-20",
  };
  const engine = (waivers: Waiver[], today: string) =>
    new Engine({
      ...place,
      waivers,
      today,
      rules: [...isolationRules, ...waiverRules(new Waivers(waivers, today))],
    });

  test("turn a finding into a hint until they end, for inputs and outputs alike", async () => {
    const diagnostics = await new Engine({ ...place, waivers: [waiver], today: "2026-01-20" }).run([subject]);
    expect(new Set(diagnostics.map(({ level }) => level))).toEqual(new Set(["advisory"]));
    expect(diagnostics[0]?.message).toContain("(waived until 2026-01-20 by someone@forma3d.com)");
  });

  test("cover one rule, one resource and one path", async () => {
    for (const other of [
      { ...waiver, rule: "ISO-002" },
      { ...waiver, resource: waiver.resource.replace("subject", "another") },
      { ...waiver, path: "data.other" },
    ]) {
      expect(found(await engine([other], "2026-01-01").analyze(subject))).toEqual([
        "ISO-006 subject data.host mandatory",
      ]);
    }
  });

  test("fail the run once they have expired", async () => {
    expect(found(await engine([waiver], "2026-01-21").run([stackRoot(), subject]))).toEqual([
      "ISO-006 subject data.host mandatory",
      "WVR-001 forma3d-stack  mandatory",
    ]);
  });

  test("fail the run when nothing needs them", async () => {
    expect(found(await engine([waiver], "2026-01-01").run([stackRoot()]))).toEqual([
      "WVR-002 forma3d-stack  mandatory",
    ]);
    const other = { ...waiver, resource: waiver.resource.replace("staging", "prod") };
    expect(found(await engine([other], "2026-01-01").run([stackRoot()]))).toEqual([]);
  });
});

describe("inputs nobody writes in good faith", () => {
  const engine = new Engine(place);

  /** A tree of a depth, with something at the bottom. */
  const deep = (depth: number, bottom: unknown): unknown => {
    let tree: unknown = bottom;
    for (let level = 0; level < depth; level++) tree = level % 2 ? [tree] : { a: tree };
    return tree;
  };

  test("1,000 levels deep", async () => {
    const { length } = found(await engine.analyze(configMap({ x: deep(1000, prod.host) })));
    expect(length).toBe(1);
  });

  test("JSON 5,000 levels deep in a string", async () => {
    const text = `${'{"a":['.repeat(2500)}"${prod.host}"${"]}".repeat(2500)}`;
    expect(found(await engine.analyze(configMap({ x: text })))).toEqual(["ISO-002 subject data.x mandatory"]);
  });

  // Of 1 MiB in `isolation.long.test.ts`.
  test("a string of 256 KiB, of every kind", () => longStrings(engine, 256 * 1024));

  test("100,000 leaves", async () => {
    const data = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`key${i}`, `value${i}`]));
    const time = await timed(async () => {
      expect(found(await engine.analyze(configMap({ ...data, last: prod.host })))).toEqual([
        "ISO-002 subject data.last mandatory",
      ]);
    });
    expect(time).toBeLessThan(15_000);
  });

  test("YAML whose aliases multiply", async () => {
    const lines = ["kind: Bomb", 'a0: &a0 ["x","x","x","x"]'];
    for (let i = 1; i < 30; i++)
      lines.push(
        `a${i}: &a${i} [${Array(8)
          .fill(`*a${i - 1}`)
          .join(",")}]`,
      );
    const time = await timed(async () => {
      expect(
        found(await engine.analyze(configMap({ text: `${lines.join("\n")}\nz: ${staging.host}\n` }))),
      ).toEqual([]);
    });
    expect(time).toBeLessThan(5_000);
  });

  test("keys that are no properties", async () => {
    const props = JSON.parse(
      `{"data":{"__proto__":{"x":"${prod.host}"},"constructor":"${prod.host}","toString":"x"}}`,
    ) as Record<string, unknown>;
    const entries = found(
      await engine.analyze({ type: "kubernetes:core/v1:ConfigMap", name: "subject", props }),
    );
    expect(entries).toContain("ISO-002 subject data.constructor mandatory");
  });

  test("requests that interleave do not mix their findings", async () => {
    const guilty = configMap({ host: prod.host }, "guilty");
    const innocent = configMap({ host: staging.host }, "innocent");
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => engine.analyze(i % 2 ? guilty : innocent).then(found)),
    );
    answers.forEach((entries, i) =>
      expect(entries).toEqual(i % 2 ? ["ISO-002 guilty data.host mandatory"] : []),
    );
  });
});
