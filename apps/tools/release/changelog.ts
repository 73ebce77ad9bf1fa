import { UsageError } from "../../../packages/command/errors";

const UNRELEASED = "## Unreleased";
/** Heading under which stands what whoever upgrades has to do. */
const UPGRADE = "### Changed, and needs something from you";
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

/** @throws UsageError for anything but three numbers without leading zeros. */
function checkVersion(version: string): void {
  if (!VERSION.test(version))
    throw new UsageError(`version ${version}: allowed: three numbers, such as 1.4.0 (https://semver.org)`);
}

/** Versions that were released, newest first. */
export function released(changelog: string): string[] {
  return [...changelog.matchAll(/^## (\d+\.\d+\.\d+) · \d{4}-\d\d-\d\d$/gm)].map(
    ([, version = ""]) => version,
  );
}

function sectionOf(changelog: string, heading: RegExp): string | undefined {
  const lines = changelog.split("\n");
  const from = lines.findIndex((line) => heading.test(line));
  if (from < 0) return undefined;
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => line.startsWith("## "));
  return rest
    .slice(0, to < 0 ? rest.length : to)
    .join("\n")
    .trim();
}

const newer = (one: string, other: string): boolean => {
  const [a = [], b = []] = [one, other].map((version) => version.split(".").map(Number));
  const at = a.findIndex((number, i) => number !== b[i]);
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
};

/**
 * The changelog with what is unreleased under a version and a day, and a new empty heading above it.
 * @param day `YYYY-MM-DD`
 * @throws UsageError when nothing is unreleased, or the version is not above the newest one; with what asks something of
 * whoever upgrades its first or second number must rise.
 */
export function cut(changelog: string, version: string, day: string): string {
  checkVersion(version);
  const [newest = "0.0.0"] = released(changelog);
  const content = sectionOf(changelog, /^## Unreleased$/);
  const problems = [
    ...(content === undefined || content === ""
      ? ["CHANGELOG.md: nothing is unreleased; allowed: lines below ## Unreleased"]
      : []),
    ...(newer(version, newest) ? [] : [`version ${version}: allowed: above ${newest}, the newest`]),
    ...(content?.includes(UPGRADE) &&
    version.split(".").slice(0, 2).join(".") === newest.split(".").slice(0, 2).join(".")
      ? [
          `version ${version}: something is needed from whoever upgrades; allowed: a first or second number above that of ${newest}`,
        ]
      : []),
  ];
  if (problems.length > 0) throw new UsageError(problems);
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## ${version} · ${day}`);
}

/**
 * What a release says: first what an upgrade needs, then the rest, then what it is an upgrade from.
 * @throws UsageError when the changelog does not have the version.
 */
export function notes(changelog: string, version: string): string {
  checkVersion(version);
  const versions = released(changelog);
  const content = sectionOf(changelog, new RegExp(`^## ${version.replaceAll(".", "\\.")} · `));
  if (content === undefined)
    throw new UsageError(
      `version ${version}: CHANGELOG.md has no such heading; allowed: ${versions.join(", ") || "none yet, npm run release -- cut <version> makes one"}`,
    );
  const before = versions[versions.indexOf(version) + 1];
  const upgrade = content.includes(UPGRADE)
    ? "Read what it needs from you before you deploy: each entry says what to change, in the order in which they stand."
    : "Nothing is needed from you but an update: preview, read, apply.";
  return [`## Upgrading${before ? ` from ${before}` : ""}`, "", upgrade, "", content, ""].join("\n");
}
