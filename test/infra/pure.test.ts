import fc from "../support/property";
import {
  carve,
  contains,
  hostAt,
  isPrivate,
  overlaps,
  parseCidr,
  regionSubnets,
  SUBNET_PREFIXES,
} from "../../infra/network/addressing";
import { lifecycleRules, TierStep } from "../../infra/data/lifecycle";
import { nameProblems, platformNames } from "../../infra/naming";
import { Region, REGION_NAMES, REGIONS } from "../../infra/regions";
import { SECRET_CATALOG } from "../../infra/secrets/secretCatalogue";
import { serverParameters } from "../../infra/data/serverParameters";
import { sizesMissingIn, takesDatabases } from "../../packages/azure-facts";

const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

const block = fc
  .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 8, max: 30 }))
  .map(
    ([address, prefix]) => `${dotted((address & (prefix === 0 ? 0 : -1 << (32 - prefix))) >>> 0)}/${prefix}`,
  );

describe("address plan", () => {
  test("overlap is symmetric, and containment implies it", () => {
    fc.assert(
      fc.property(block, block, (a, b) => {
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        expect(overlaps(a, a)).toBe(true);
        if (contains(a, b)) expect(overlaps(a, b)).toBe(true);
      }),
    );
  });

  test("subnets lie in their block, overlap nowhere, and an added one moves no earlier one", () => {
    const sizes = fc.array(fc.integer({ min: 20, max: 28 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sizes, (prefixes) => {
        const named = prefixes.map((prefix, i) => [`s${i}`, prefix] as const);
        const subnets = carve("10.0.0.0/15", named);
        const cidrs = Object.values(subnets);
        cidrs.forEach((cidr, i) => {
          expect(contains("10.0.0.0/15", cidr)).toBe(true);
          cidrs.slice(i + 1).forEach((other) => expect(overlaps(cidr, other)).toBe(false));
        });
        const fewer = carve("10.0.0.0/15", named.slice(0, -1));
        expect(subnets).toMatchObject(fewer);
      }),
    );
  });

  test("a region's subnets are fixed by its address space", () => {
    expect(SUBNET_PREFIXES.map(([name]) => name)).toEqual(["nodes", "endpoints", "private-link"]);
    expect(regionSubnets("10.10.0.0/16")).toEqual({
      nodes: "10.10.0.0/20",
      endpoints: "10.10.16.0/24",
      "private-link": "10.10.17.0/24",
    });
  });

  test("malformed blocks are refused", () => {
    for (const bad of ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "fe80::/10", "010.0.0.0/8/8", ""]) {
      expect(parseCidr(bad)).toBeUndefined();
    }
    expect(() => carve("10.0.0.0/24", [["a", 20]])).toThrow("10.0.0.0/24 is too small for subnet a/20");
    expect(() => hostAt("10.0.0.0/30", 4)).toThrow(RangeError);
    expect([hostAt("10.11.0.0/20", 10), isPrivate("172.32.0.0/16"), isPrivate("172.16.0.0/12")]).toEqual([
      "10.11.0.10",
      false,
      true,
    ]);
  });
});

describe("names", () => {
  const input = fc.record({
    shortName: fc.stringMatching(/^[a-z][a-z0-9]{1,3}$/),
    nameSuffix: fc.stringMatching(/^[a-z0-9]{0,3}$/),
    primary: fc.constantFrom(...REGION_NAMES),
  });

  test("every combination of short values gives names Azure accepts, and no two places share one", () => {
    fc.assert(
      fc.property(input, ({ shortName, nameSuffix, primary }) => {
        const secondary = REGIONS[primary].pair as Region;
        const names = platformNames({
          product: "forma3d",
          shortName,
          nameSuffix,
          lastingNameSuffix: nameSuffix,
          regions: { primary, secondary },
        });
        expect(nameProblems(names).filter((problem) => !/vault: .* has 25 characters/.test(problem))).toEqual(
          [],
        );
        expect(names.primary.server).not.toBe(names.secondary?.server);
        expect(names.primary.vault).not.toBe(names.secondary?.vault);
        expect(names.backups.primary.storageAccount).not.toBe(names.backups.secondary?.storageAccount);
      }),
    );
  });

  test("a rebuild takes new names, and finds its backups, who serves and the edge under the old ones", () => {
    const named = (nameSuffix: string) =>
      platformNames({
        product: "forma3d",
        shortName: "prod",
        nameSuffix,
        lastingNameSuffix: "a1",
        regions: { primary: "westeurope", secondary: "northeurope" },
        witness: "swedencentral",
      });
    const [before, after] = [named("a1"), named("b2")];
    const lasting = ({ backups, servingWitness, frontDoorEndpoint }: typeof before) => [
      backups.primary.storageAccount,
      backups.secondary?.storageAccount,
      servingWitness?.storageAccount,
      frontDoorEndpoint,
    ];
    expect(lasting(after)).toEqual(lasting(before));
    expect([after.primary.vault, after.primary.server]).toEqual([
      "kv-forma3d-prod-weu-b2",
      "psql-forma3d-prod-weu-b2",
    ]);
  });

  test("names that break a rule are named with the rule", () => {
    const names = platformNames({
      product: "a-very-long-product",
      shortName: "prod",
      nameSuffix: "",
      lastingNameSuffix: "",
      regions: { primary: "westeurope" },
    });
    expect(nameProblems(names)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^storageAccount: "sta-very-long-productprodbkpweu" has \d+ characters, storageAccount names have at most 24$/,
        ),
        expect.stringMatching(/^westeurope\.vault: .* has \d+ characters, vault names have at most 24$/),
      ]),
    );
  });

  test("pairs of regions are mutual", () => {
    for (const [name, { pair }] of Object.entries(REGIONS)) expect(REGIONS[pair].pair).toBe(name);
  });

  test("of each it is known what Azure has of databases there", () => {
    const size = { amd: true, version: 5 };
    const servers = REGION_NAMES.filter(takesDatabases);
    expect(REGION_NAMES.filter((name) => !servers.includes(name))).toEqual(["swedensouth"]);
    expect(servers.filter((name) => !sizesMissingIn(name, size))).toEqual([
      "norwayeast",
      "uksouth",
      "ukwest",
    ]);
  });
});

describe("lifecycle", () => {
  const steps: fc.Arbitrary<TierStep[]> = fc
    .tuple(
      fc.subarray(["Cool", "Cold", "Archive"] as const),
      fc.uniqueArray(fc.integer({ min: 1, max: 900 }), { minLength: 3, maxLength: 3 }),
    )
    .map(([tiers, days]) => {
      const sorted = [...days].sort((a, b) => a - b);
      return tiers.map((tier, i) => ({ tier, afterDays: sorted[i] as number }));
    });

  test("each tier becomes one action at its day, and nothing is deleted that was not asked", () => {
    fc.assert(
      fc.property(
        steps,
        fc.option(fc.integer({ min: 1000, max: 3000 }), { nil: undefined }),
        (tiers, deleteAfterDays) => {
          const rules = lifecycleRules([{ container: "c", tiers, deleteAfterDays }]);
          const base = rules[0]?.definition.actions.baseBlob ?? {};
          expect(Object.keys(base)).toHaveLength(tiers.length + (deleteAfterDays === undefined ? 0 : 1));
          for (const { tier, afterDays } of tiers)
            expect(base[`tierTo${tier}`]).toEqual({ daysAfterModificationGreaterThan: afterDays });
          expect(base.delete).toEqual(
            deleteAfterDays === undefined ? undefined : { daysAfterModificationGreaterThan: deleteAfterDays },
          );
          expect(rules).toHaveLength(tiers.length === 0 && deleteAfterDays === undefined ? 0 : 1);
        },
      ),
    );
  });

  test("versions and snapshots are aged by creation, the only age they have", () => {
    const [rule] = lifecycleRules([{ container: "c", tiers: [], previousVersionDays: 30 }]);
    expect(rule?.definition.actions).toEqual({
      version: { delete: { daysAfterCreationGreaterThan: 30 } },
      snapshot: { delete: { daysAfterCreationGreaterThan: 30 } },
    });
    expect(rule?.definition.filters.prefixMatch).toEqual(["c/"]);
  });
});

describe("server parameters", () => {
  const pool = { defaultPoolSize: 50, maxClientConnections: 5000, maxPreparedStatements: 100 };

  test("the pooler is switched on before its other parameters, which do not exist until then", () => {
    const names = serverParameters(pool, {}).map(({ name }) => name);
    const first = names.findIndex((name) => name.startsWith("pgbouncer."));
    expect(names[first]).toBe("pgbouncer.enabled");
    expect(new Set(names).size).toBe(names.length);
  });

  test("the Burstable tier gets no pooler parameter, and an environment's own value wins", () => {
    expect(serverParameters(undefined, {}).some(({ name }) => name.includes("pgbouncer"))).toBe(false);
    const own = serverParameters(pool, { log_min_duration_statement: "250", work_mem: "65536" });
    expect(own).toContainEqual({ name: "log_min_duration_statement", value: "250" });
    expect(own.at(-1)).toEqual({ name: "work_mem", value: "65536" });
  });
});

test("the secret catalogue has unique names Key Vault accepts, and every secret of report §4.3", () => {
  const names = SECRET_CATALOG.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z0-9-]{1,127}$/);
  const variables = new Set(SECRET_CATALOG.map(({ variable }) => variable));
  for (const variable of [
    "DATABASE_URL",
    "SHOPIFY_API_KEY",
    "SHOPIFY_API_SECRET",
    "SIMPLYPRINT_API_KEY",
    "SENDCLOUD_PUBLIC_KEY",
    "SENDCLOUD_SECRET_KEY",
    "SESSION_SECRET",
    "INTERNAL_API_KEY",
    "SHOPIFY_TOKEN_ENCRYPTION_KEY",
  ]) {
    expect(variables).toContain(variable);
  }
});
