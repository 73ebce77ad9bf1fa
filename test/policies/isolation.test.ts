import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
} from "node:zlib";
import fc from "../support/property";
import { mayBeBrotli } from "../../packages/isolation/brotli";
import { mayBeDeflate } from "../../packages/isolation/deflate";
import { environmentFile } from "../../apps/tools/new/environmentFile";
import { Judge } from "../../packages/isolation/judge";
import { Perimeter, UNOWNED } from "../../packages/isolation/perimeter";
import { Scanner } from "../../packages/isolation/scan";
import { readStacks, stackNames } from "../../stacks/files";
import { deriveInventory } from "../../stacks/inventory";
import { Engine } from "./support/engine";
import type { ResourceFixture } from "./support/fixture";
import { changeLeaves, found, toUnknown, wanted } from "./support/found";
import { innocents, vectors } from "./support/load";
import { environment, ROOT } from "./support/names";
import { TARGETS } from "./support/ways";
import { configMap, type Innocent, prod, type Vector } from "./support/vectors";

const engineFor = (
  { stack = "staging", project = "forma3d", extras, config }: Vector | Innocent,
  isDryRun: boolean,
) => new Engine({ stack, project, extras, config, isDryRun });

const judged = vectors.filter(({ resources, refuses }) => resources.length > 0 && !refuses);

describe("every way to reach production is found", () => {
  test.each(judged.map((vector) => [`${vector.id} ${vector.title}`, vector] as const))(
    "preview: %s",
    async (_, vector) => {
      expect(found(await engineFor(vector, true).run(vector.resources))).toEqual(
        wanted(vector.expect, vector.resources).sort(),
      );
    },
  );

  test.each(judged.map((vector) => [`${vector.id} ${vector.title}`, vector] as const))(
    "update: %s",
    async (_, vector) => {
      const diagnostics = await engineFor(vector, false).run(vector.resources);
      const mandatory = [...vector.expect, ...(vector.update ?? [])].filter(
        ({ level }) => level !== "advisory",
      );
      expect(found(diagnostics)).toEqual(expect.arrayContaining(wanted(mandatory, vector.resources)));
    },
  );

  test.each(judged.map((vector) => [`${vector.id} ${vector.title}`, vector] as const))(
    "unknown values wait in a preview and are refused in an update: %s",
    async (_, vector) => {
      const { resources, changed } = changeLeaves(vector.resources, vector.expect, toUnknown);
      if (changed === 0) return;
      const preview = found(await engineFor(vector, true).run(resources));
      expect(preview).toEqual(expect.arrayContaining(wanted(vector.whenUnknown ?? [], resources)));
      const update = found(await engineFor(vector, false).run(resources));
      expect(update.some((entry) => entry.startsWith("ISO-060"))).toBe(true);
    },
  );

  test("most of them have a value to hide", () => {
    const hidden = judged.filter(
      (vector) => changeLeaves(vector.resources, vector.expect, toUnknown).changed > 0,
    );
    expect(hidden.length).toBeGreaterThan(judged.length * 0.8);
  });

  test.each(vectors.filter(({ refuses }) => refuses).map((vector) => [vector.id, vector] as const))(
    "%s is refused with a readable error, and never passes",
    async (_, vector) => {
      await expect(engineFor(vector, true).run(vector.resources)).rejects.toThrow(vector.refuses);
    },
  );
});

describe("honest programs stay silent", () => {
  test.each(innocents.map((fixture) => [`${fixture.id} ${fixture.title}`, fixture] as const))(
    "%s",
    async (_, fixture) => {
      for (const isDryRun of [true, false]) {
        const resources = isDryRun ? fixture.resources : resolved(fixture);
        expect(found(await engineFor(fixture, isDryRun).run(resources))).toEqual(
          wanted(fixture.advisories ?? [], resources).sort(),
        );
      }
    },
  );
});

/** At the update everything is known. */
function resolved({ resources, known = "known" }: Innocent): ResourceFixture[] {
  const put = (value: unknown): unknown => {
    if (value === toUnknown()) return known;
    if (Array.isArray(value)) return value.map(put);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, put(inner)]));
  };
  return put(resources) as ResourceFixture[];
}

test("environments are foreign to each other by pairs, one that was made a minute ago among them", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "environments-"));
  try {
    for (const stack of stackNames(ROOT))
      fs.copyFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), path.join(folder, `Pulumi.${stack}.yaml`));
    const file = environmentFile(folder, { name: "newborn", like: "staging" });
    fs.writeFileSync(path.join(folder, "Pulumi.newborn.yaml"), file);
    const stacks = readStacks(folder);
    const inventory = deriveInventory(stacks, { environments: [], shared: [] });
    const names = Object.keys(stacks).sort();
    expect(names).toEqual(["newborn", ...stackNames(ROOT)].sort());
    const wrong = names.flatMap((stack) =>
      ["forma3d", "forma3d-control"].flatMap((project) => {
        const scanner = new Scanner(new Judge(new Perimeter(inventory, project, stack)));
        return names.flatMap((other) =>
          Object.entries(TARGETS).flatMap(([target, write]) => {
            const text = write(environment(other, stacks[other]));
            const isFound = scanner.text(text).some(({ reach }) => !UNOWNED.has(reach));
            return isFound === (other !== stack) ? [] : [`${project}/${stack}: ${target} of ${other}`];
          }),
        );
      }),
    );
    expect(wrong).toEqual([]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("the bucket a stack file names for further backups is its environment's own", () => {
  const stacks = readStacks(ROOT);
  const { prod } = stacks;
  if (!prod) throw new Error("the project has no stack prod");
  const bucket = "offsite-of-orders";
  const s3 = { region: "eu-central-1", bucket, objectLock: "governance" as const, addresses: [] };
  const inventory = deriveInventory(
    { ...stacks, prod: { ...prod, recovery: { ...prod.recovery, s3 } } },
    { environments: [], shared: [] },
  );
  const foundFor = (stack: string) =>
    new Scanner(new Judge(new Perimeter(inventory, "forma3d", stack))).text(`s3://${bucket}/daily`);
  expect(foundFor("staging")).toEqual([expect.objectContaining({ reach: "name", environment: "prod" })]);
  expect(foundFor("prod")).toEqual([]);
});

test("a program bundled into one text is read, and what it puts together is found in it", async () => {
  const bundle = fs.readFileSync(require.resolve("js-yaml"), "utf8");
  const hidden = `connect("${prod.server.slice(0, 5)}" + "${prod.server.slice(5)}")`;
  const engine = new Engine({ stack: "staging", project: "forma3d" });
  expect(found(await engine.analyze(configMap({ "app.js": `${bundle}\n${hidden}\n` }, "bundle")))).toEqual([
    'ISO-002 bundle data["app.js"] mandatory',
  ]);
});

describe("no compressed text is passed over by its codes", () => {
  const text = fc.oneof(fc.string({ minLength: 16, maxLength: 400 }), fc.base64String({ minLength: 16 }));
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 48 });
  const opens = (decompress: () => Uint8Array, least: number): boolean => {
    try {
      return decompress().length >= least;
    } catch {
      return false;
    }
  };

  test("of Brotli", () => {
    const options = fc.record({
      [constants.BROTLI_PARAM_QUALITY]: fc.integer({ min: 0, max: 11 }),
      [constants.BROTLI_PARAM_LGWIN]: fc.integer({ min: 10, max: 24 }),
      [constants.BROTLI_PARAM_MODE]: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(text, options, (plain, params) => mayBeBrotli(brotliCompressSync(plain, { params }))),
    );
    fc.assert(fc.property(bytes, (any) => mayBeBrotli(any) || !opens(() => brotliDecompressSync(any), 1)));
    expect(mayBeBrotli(Buffer.alloc(32))).toBe(false);
  });

  test("of deflate", () => {
    const options = fc.record({
      level: fc.integer({ min: 0, max: 9 }),
      strategy: fc.integer({ min: constants.Z_DEFAULT_STRATEGY, max: constants.Z_FIXED }),
    });
    fc.assert(fc.property(text, options, (plain, how) => mayBeDeflate(deflateRawSync(plain, how), 16)));
    fc.assert(fc.property(bytes, (any) => mayBeDeflate(any, 16) || !opens(() => inflateRawSync(any), 16)));
    // Several blocks after each other, the last with codes of its own.
    const blocks = Buffer.concat([
      deflateRawSync("a name in fixed codes", {
        strategy: constants.Z_FIXED,
        finishFlush: constants.Z_FULL_FLUSH,
      }),
      deflateRawSync("and in others, ".repeat(40)),
    ]);
    expect(inflateRawSync(blocks).length).toBe(621);
    expect(mayBeDeflate(blocks, 16)).toBe(true);
  });

  test("and hardly any digest is taken for one", () => {
    const digests = Array.from({ length: 1000 }, (_, i) =>
      createHash("sha256").update(`image ${i}`).digest(),
    );
    expect(digests.filter((digest) => mayBeDeflate(digest, 16)).length).toBeLessThan(10);
    expect(digests.filter((digest) => mayBeBrotli(digest)).length).toBeLessThan(100);
  });
});
