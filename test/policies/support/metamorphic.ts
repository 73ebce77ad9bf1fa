import fc from "../../support/property";
import { Engine } from "./engine";
import type { ResourceFixture } from "./fixture";
import { FORMS, type Form } from "./forms";
import { brief, changeLeaves, found, wanted } from "./found";
import { innocents, vectors } from "./load";
import {
  BLOCKS,
  COMMANDS,
  ENCODINGS,
  NETWORKS,
  PLACES,
  SPELLINGS,
  SECRET_PATHS,
  SUBJECTS,
  TARGETS,
} from "./ways";
import { azure, base64, configMap, deployment, type Innocent, prod, staging, type Vector } from "./vectors";

const engines = new Map<string, Engine>();

/** One engine per fixture: making one costs more than judging with it. */
function engineFor({
  id,
  stack = "staging",
  project = "forma3d",
  extras,
  config,
}: Vector | Innocent): Engine {
  const engine = engines.get(id) ?? new Engine({ stack, project, extras, config });
  engines.set(id, engine);
  return engine;
}

/** Rules that judge texts, wherever and however they are written. */
const TEXT_RULES = /^ISO-00[1-9]$|^ISO-01[03]$/;

interface Case {
  vector: Vector;
  rule: string;
  on: string;
  path: string;
  /** Whether the text is already encoded, or compared letter by letter. */
  exact: boolean;
  /** Whether it is put together out of several texts, so that each must stay a text of its own. */
  pieced: boolean;
}

/** What a campaign tries. */
export interface Campaign {
  /** Every finding of every vector in every form; otherwise the first of each vector, and of each rule on each type. */
  whole: boolean;
  /** Programs that are put together, of each kind. */
  runs: number;
}

/** The first case of each vector, and of each rule on each type of resource, whatever may be done to their texts. */
function portionOf(all: readonly Case[]): Case[] {
  const seen = new Set<string>();
  return all.filter(({ vector, rule, on, exact, pieced }) => {
    const type = vector.resources.find(({ name }) => name === on)?.type ?? "";
    const fresh = [vector.id, `${rule} ${type}`]
      .map((key) => `${key} ${exact} ${pieced}`)
      .filter((key) => !seen.has(key));
    fresh.forEach((key) => seen.add(key));
    return fresh.length > 0;
  });
}

/** Every expected finding on a plain text, with what is known about it. */
async function cases(): Promise<Case[]> {
  const all: Case[] = [];
  for (const vector of vectors.filter(
    ({ resources, refuses, isDisguised }) => resources.length > 0 && !refuses && !isDisguised,
  )) {
    const diagnostics = await engineFor(vector).run(vector.resources);
    for (const { rule, path, on = vector.resources[0]?.name ?? "", level } of vector.expect) {
      if (!TEXT_RULES.test(rule) || level === "advisory") continue;
      const { message = "" } =
        diagnostics.find((diagnostic) => brief(diagnostic).startsWith(`${rule} ${on} ${path} `)) ?? {};
      const exact = message.includes("found after decoding") || rule === "ISO-009";
      all.push({ vector, rule, on, path, exact, pieced: /joined|\$\(VAR\)/.test(message) });
    }
  }
  return all;
}

/** Places where an honest program may write its values in any form. */
const FREE = /^(?:data|stringData|binaryData|value|tags)$/;

function rewrite(value: unknown, form: Form, free = false): unknown {
  if (typeof value === "string") return free && value !== UNKNOWN_SENTINEL ? form.write(value) : value;
  if (Array.isArray(value)) return value.map((inner) => rewrite(inner, form, free));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, rewrite(inner, form, free || FREE.test(key))]),
  );
}
const UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Has the isolation rules judge what must be found, and what must not be, written in every way. */
export function metamorphic({ whole, runs }: Campaign): void {
  describe("a way to reach production is found however it is written", () => {
    test.each(FORMS.map((form) => [form.name, form] as const))("%s", async (_, form: Form) => {
      const missed: string[] = [];
      let tried = 0;
      for (const { vector, rule, on, path, exact, pieced } of await allCases) {
        if ((exact && form.changesText) || (pieced && !form.keepsPieces)) continue;
        const { resources, changed } = changeLeaves(vector.resources, [{ rule, on, path }], (leaf) =>
          typeof leaf === "string" ? form.write(leaf) : leaf,
        );
        if (changed === 0) continue;
        tried++;
        const subject = resources.find(({ name }) => name === on) as ResourceFixture;
        const entries = (await engineFor(vector).analyze(subject)).map(brief);
        if (!entries.some((entry) => entry.startsWith(`${rule} ${on} `) && entry.endsWith(" mandatory"))) {
          missed.push(`${vector.id} ${rule} ${path}`);
        }
      }
      expect(missed).toEqual([]);
      expect(tried).toBeGreaterThan(60);
    });

    let allCases: Promise<Case[]>;
    beforeAll(() => {
      allCases = cases().then((all) => (whole ? all : portionOf(all)));
    });
  });

  describe("an honest program stays silent however it is written", () => {
    test.each(FORMS.map((form) => [form.name, form] as const))("%s", async (_, form: Form) => {
      for (const fixture of innocents) {
        if (fixture.isDisguised || (fixture.pieced && !form.keepsPieces)) continue;
        const resources = fixture.resources.map((resource) => ({
          ...resource,
          props: rewrite(resource.props, form) as Record<string, unknown>,
        }));
        const entries = found(await engineFor(fixture).run(resources));
        // What was a hint in prose may become a finding once it is encoded: nobody writes prose that way.
        const hinted = (fixture.advisories ?? []).map(({ on }) => ` ${on ?? ""} `);
        const noisy = entries.filter((entry) => !hinted.some((hint) => entry.includes(hint)));
        expect({ id: fixture.id, noisy }).toEqual({ id: fixture.id, noisy: [] });
      }
    });

    test("programs made up at random", async () => {
      const word = fc.oneof(
        fc.string({ maxLength: 40 }),
        fc.string({ maxLength: 40, unit: "binary" }),
        fc.base64String({ maxLength: 80 }),
        fc.webUrl(),
        fc.domain(),
        fc.emailAddress(),
        fc.uuid(),
        fc.stringMatching(/^[a-z0-9-]{1,30}$/),
        fc.json({ maxDepth: 3 }),
        fc.constantFrom(
          staging.host,
          staging.writer,
          staging.vaultUrl,
          staging.blobUrl,
          staging.serverId,
          staging.vnetId,
          staging.address,
          staging.cidr,
          staging.dsn,
          base64(staging.dsn),
          "postgres://localhost:5432/test",
          "mcr.microsoft.com/dotnet/aspnet:8.0",
          "10.0.0.0/8",
          "privatelink.postgres.database.azure.com",
        ),
      );
      const map = fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,20}$/), word, { maxKeys: 8 });
      const resource = fc.oneof(
        map.map((data) => configMap(data)),
        map.map((data) => ({
          ...configMap({}),
          props: { data: Object.fromEntries(Object.entries(data).map(([k, v]) => [k, base64(v)])) },
        })),
        fc
          .array(fc.record({ name: fc.stringMatching(/^[A-Z_]{3,12}$/), value: word }), { maxLength: 6 })
          .map((env) => deployment({ env })),
        map.map((tags) =>
          azure("resources:ResourceGroup", { resourceGroupName: staging.region.resourceGroup, tags }),
        ),
        fc
          .tuple(word, word)
          .map(([a, b]) =>
            azure("keyvault:Secret", { vaultName: staging.vault, properties: { value: a, contentType: b } }),
          ),
      );
      const engine = engineFor({ id: "", title: "", resources: [] });
      await fc.assert(
        fc.asyncProperty(resource, async (subject) => {
          expect(found(await engine.analyze(subject))).toEqual(wanted([], []));
        }),
        { numRuns: runs },
      );
    });
  });

  describe("whatever leads to production is found in any place and writing, and staging's own is not", () => {
    const engine = engineFor({ id: "", title: "", resources: [] });
    const refusals = async (resource: ResourceFixture): Promise<string[]> =>
      found(await engine.run([resource])).filter((entry) => entry.endsWith(" mandatory"));
    const twins = async (attack: ResourceFixture, honest: ResourceFixture): Promise<void> => {
      expect({ attack, isRefused: (await refusals(attack)).length > 0 }).toEqual({ attack, isRefused: true });
      expect({ honest, refusals: await refusals(honest) }).toEqual({ honest, refusals: [] });
    };

    test("texts", async () => {
      const way = fc.record({
        target: fc.constantFrom(...Object.values(TARGETS)),
        spelling: fc.constantFrom(...SPELLINGS),
        encodings: fc.array(fc.constantFrom(...ENCODINGS), { maxLength: 3 }),
        place: fc.constantFrom(...PLACES),
      });
      await fc.assert(
        fc.asyncProperty(way, async ({ target, spelling, encodings, place }) => {
          const written = (text: string): ResourceFixture =>
            place(encodings.reduce((inner, encode) => encode(inner), spelling(text)));
          await twins(written(target(prod)), written(target(staging)));
        }),
        { numRuns: runs },
      );
    });

    test("blocks of addresses", async () => {
      for (const place of NETWORKS)
        for (const block of BLOCKS) await twins(place(block(prod.cidr)), place(block(staging.cidr)));
    });

    test("subjects of federated credentials, paths of secrets, and what tools are told", async () => {
      for (const way of [...SUBJECTS, ...SECRET_PATHS, ...COMMANDS])
        await twins(way(prod.stack), way(staging.stack));
    });
  });
}
