import { Engine } from "./support/engine";
import type { ResourceFixture } from "./support/fixture";
import { changeLeaves, found, toUnknown, wanted } from "./support/found";
import { innocents, vectors } from "./support/load";
import type { Innocent, Vector } from "./support/vectors";

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
