/**
 * Follows what a shell fetches to where it is run: through variables, files and archives. A line's own form says little, as the
 * same is written in many; what comes from an address and is run afterwards is what counts.
 */

const SHELL = String.raw`(?:[\w./-]*/)?(?:ba|z|da|k|a)?sh`;
/** Where a command begins. */
const START = String.raw`(?:^|[;&|\n({]|\b(?:exec|sudo|doas|nohup|time|then|do|else|env|\$)\s)\s{0,9}(?:\w+=\S*\s+)*["']?`;
const END = String.raw`(?=["'\s;&|)<>]|$)`;
/** What runs a file or a text that comes after it. */
const RUNS = String.raw`(?:\b${SHELL}|\bsource|(?:^|[\s;&|("'])\.|\bpython3?|\bnode|\bdeno\s+run|\bbun|\bperl|\bruby|\bphp|\bjava\s+(?:-\S+\s+)*-jar|\bjava\s+(?:-\S+\s+)*-cp|\bmake\s+(?:-\S+\s+)*-[cf]|\bdpkg\s+-i|\brpm\s+-\w+|\bchmod\s+\S*(?:x|7\d\d)\S*|\bld_preload=)\s*(?:-\S+\s+)*["']?`;

const escaped = (text: string): string => text.replace(/[.+?^*${}()|[\]\\/]/g, "\\$&");

/** Longest way from where something is fetched to where it is run, in characters. */
const FAR = 4000;

/** Variables that hold what is fetched. */
function variables(script: string, fetch: string): string[] {
  const assigned = new RegExp(
    String.raw`(?:^|[\s;&|({])([a-z_]\w{0,40})=["']?(?:\$\(|\x60)[^\n)\x60]{0,300}?${fetch}`,
    "g",
  );
  const read = new RegExp(
    String.raw`${fetch}[^\n;]{0,500}?\|\s*(?:while\s+|\{\s*)?(?:ifs=\S*\s+)?(?:read|mapfile|readarray)\s+(?:-\S+\s+)*([a-z_]\w{0,40})`,
    "g",
  );
  const handed = new RegExp(
    String.raw`\b(?:read|mapfile|readarray)\s+(?:-\S+\s+)*([a-z_]\w{0,40})\s*<\s*<\(\s*${fetch}`,
    "g",
  );
  return [assigned, read, handed].flatMap((pattern) =>
    [...script.matchAll(pattern)].map(([, name = ""]) => name),
  );
}

/** Whether the text a variable holds is run. */
function runsVariable(script: string, name: string): boolean {
  const value = String.raw`["']?\$\{?${name}\b(?:\[[@*\d]+\])?\}?`;
  return [
    String.raw`\beval\s+["']?[^\n;]{0,60}?\$\{?${name}\b`,
    String.raw`\b${SHELL}\s+(?:-\S+\s+)*-\w*c\s*${value}`,
    String.raw`\b(?:python3?|node|perl|ruby|php|pwsh)\s+(?:-\S+\s+)*-\w*[cer]\w*\s*${value}`,
    String.raw`\b(?:${SHELL}|python3?|node|perl|ruby|php)\s*(?:-\S*\s*)*<<<\s*${value}`,
    String.raw`(?:echo|printf)\s[^|;\n]{0,60}?${value}["']?\s*\|\s*(?:${SHELL}|python3?|node|perl|ruby|php)\s*(?:-s?\s*)?${END}`,
    String.raw`<\(\s*(?:echo|printf)\s[^|;\n]{0,60}?\$\{?${name}\b`,
    // As a command of its own.
    String.raw`(?:^|[;&|\n]|\bthen\s|\bdo\s)\s{0,9}\$\{?${name}\}?\s*(?:[;&|\n]|$)`,
  ].some((pattern) => new RegExp(pattern).test(script));
}

/** Where something is that was fetched. */
export interface Saved {
  /** A file, or the folder an archive is opened in. */
  readonly path: string;
  readonly isFolder: boolean;
  /** Where in the script it is there. */
  readonly from: number;
}

const PATH = String.raw`["']?([\w./~$\{\}-]{1,120})["']?`;
const OPENER = String.raw`\b(?:tar|bsdtar|unzip|7z|7za|cpio|jar)\b`;
/** Files with what was fetched. */
function files(script: string, fetch: string): Saved[] {
  const saving = [
    new RegExp(
      String.raw`${fetch}[^\n;&|]{0,400}?\s(?:-\w*o|--output(?:-document)?|-outfile)[\s=]+${PATH}`,
      "g",
    ),
    new RegExp(String.raw`${fetch}[^\n;&]{0,400}?>{1,2}\s*${PATH}`, "g"),
    new RegExp(String.raw`${fetch}[^\n;&]{0,400}?\|\s*(?:sudo\s+)?tee\s+(?:-\S+\s+)*${PATH}`, "g"),
    new RegExp(String.raw`${fetch}[^\n;&]{0,400}?\|\s*dd\s[^\n;&|]{0,60}?\bof=${PATH}`, "g"),
    // Under its own name.
    new RegExp(String.raw`${fetch}[^\n|;&]{0,400}?\/([\w.-]{2,100})["']?\s*(?=&&|;|\n|$)`, "g"),
  ];
  return saving.flatMap((pattern) =>
    [...script.matchAll(pattern)].flatMap((match) => {
      const path = match[1] ?? "";
      return /^-|^\/dev\/|^[.$]$/.test(path)
        ? []
        : [{ path, isFolder: false, from: match.index + match[0].length }];
    }),
  );
}

const INTO = /\s(?:-\w*[cd]|--directory|--target-directory)[\s=]+["']?([\w./~${}-]{1,120})/;

/** Folders in which what was fetched is opened; the working folder is `.`. */
function folders(script: string, fetch: string, saved: readonly Saved[]): Saved[] {
  const opened = (match: RegExpMatchArray): Saved => {
    const [, path = "."] = INTO.exec(match[1] ?? "") ?? [];
    const from = (match.index ?? 0) + match[0].length;
    return { path: path.replace(/(?!^)\/+$/, ""), isFolder: true, from };
  };
  const piped = new RegExp(
    String.raw`${fetch}[^\n;]{0,400}?\|\s*(?:sudo\s+)?${OPENER}([^\n;&|]{0,200})`,
    "g",
  );
  return [
    ...[...script.matchAll(piped)].map(opened),
    ...saved.flatMap(({ path, from }) => {
      const later = new RegExp(String.raw`${OPENER}([^\n;&|]{0,200}?${escaped(path)}[^\n;&|]{0,200})`);
      const match = later.exec(script.slice(from));
      return match ? [{ ...opened(match), from: from + match.index + match[0].length }] : [];
    }),
  ];
}

/** Folders of programs, which a shell finds by their names. */
const AMONG_PROGRAMS = /^(?:\/usr(?:\/local)?|\/opt(?:\/[\w.-]+)?|~|\$\{?home\}?\/\.local|)\/s?bin(?:\/|$)/;

/** Whether what is saved somewhere is run afterwards. */
export function runsSaved(script: string, { path, isFolder, from }: Saved): boolean {
  const later = script.slice(from, from + FAR);
  const bare = path.replace(/^\.\//, "");
  const at = escaped(bare);
  if (AMONG_PROGRAMS.test(path)) return true;
  if (!isFolder) {
    const name = bare.includes("/") ? at : String.raw`(?:\.\/|[\w./-]*\/)?${at}`;
    return (
      new RegExp(String.raw`${RUNS}${name}${END}`).test(later) ||
      new RegExp(
        String.raw`${START}${bare.includes("/") ? String.raw`${at}(?:\/[\w.-]|${END})` : String.raw`\.\/${at}${END}`}`,
      ).test(later)
    );
  }
  if (path === ".")
    return new RegExp(String.raw`${START}(?:\.\/[\w.-]|make${END})|${RUNS}\.\/[\w.-]`).test(later);
  return (
    new RegExp(String.raw`(?:${START}|${RUNS})(?:\.\/)?${at}\/[\w.-]`).test(later) ||
    new RegExp(String.raw`\bfind\s+["']?(?:\.\/)?${at}\b[^\n|]{0,200}?\s-exec(?:dir)?\s`).test(later) ||
    new RegExp(
      String.raw`\bcd\s+["']?(?:\.\/)?${at}(?:\/[\w./-]*)?["']?\s*(?:&&|;|\n)[\s\S]{0,200}?(?:${START}(?:\.\/|make${END})|${RUNS}\.?\/?[\w-]+\.(?:sh|py|js|rb|pl|php|jar))`,
    ).test(later)
  );
}

/** Where a file is put afterwards. */
function moved(script: string, { path, from }: Saved): Saved[] {
  const pattern = new RegExp(
    String.raw`\b(?:mv|cp|ln|install)\s+(?:-\S+\s+)*["']?${escaped(path)}["']?\s+${PATH}`,
    "g",
  );
  return [...script.slice(from).matchAll(pattern)].map((match) => ({
    path: match[1] ?? "",
    isFolder: false,
    from: from + match.index + match[0].length,
  }));
}

/** The working folder, after a checkout was brought up to what is elsewhere. */
const pulled = (script: string): Saved[] =>
  [...script.matchAll(/\bgit\s(?:[^\n;|&]{0,60}?\s)??pull\s[^\n;|&]{0,200}?(?::\/\/|git@)\S+/g)].map(
    (match) => ({
      path: ".",
      isFolder: true,
      from: match.index + match[0].length,
    }),
  );

/** Files and folders a script fetches something into. In lower case. */
export function savedBy(script: string, fetch: string): Saved[] {
  const got = files(script, fetch);
  const saved = [...got, ...got.flatMap((one) => moved(script, one))];
  return [...saved, ...folders(script, fetch, saved), ...pulled(script)];
}

/**
 * Whether a script runs, later on, what it fetched: a text in a variable, a file, or something out of an archive. In lower case.
 * @param fetch what gets a text over the network, as the source of a pattern
 */
export function runsLater(script: string, fetch: string): boolean {
  if (variables(script, fetch).some((name) => runsVariable(script, name))) return true;
  return savedBy(script, fetch).some((one) => runsSaved(script, one));
}
