/**
 * The statements of a piece of SQL as pg_dump writes it: names in double quotes, texts in single quotes with none of
 * the other kinds of quoting.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let from = 0;
  let quoted = "";
  for (let at = 0; at < sql.length; at += 1) {
    const character = sql[at] as string;
    if (quoted) {
      if (character === quoted) quoted = "";
    } else if (character === '"' || character === "'") {
      quoted = character;
    } else if (character === ";") {
      statements.push(sql.slice(from, at).trim());
      from = at + 1;
    }
  }
  statements.push(sql.slice(from).trim());
  return statements.filter(Boolean);
}

/** A statement's words, quoted names as the names they stand for: `TO "Order"` gives `TO`, `Order`. */
export function wordsOf(statement: string): { text: string; quoted: boolean }[] {
  const words: { text: string; quoted: boolean }[] = [];
  for (const [, name, literal, word] of statement.matchAll(
    /"((?:[^"]|"")*)"|('(?:[^']|'')*')|([^\s",'();]+)/g,
  )) {
    if (name !== undefined) words.push({ text: name.replaceAll('""', '"'), quoted: true });
    else words.push({ text: word ?? literal ?? "", quoted: false });
  }
  return words;
}

const LIST_ENDS = new Set(["USING", "WITH", "SERVER", "OPTIONS", "GRANT", "REVOKE", "IN", "GRANTED"]);
const NO_ROLES = new Set(["PUBLIC", "CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"]);

/** Roles a GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, CREATE POLICY or CREATE USER MAPPING of a dump names. */
export function rolesNamed(statement: string): string[] {
  const roles = new Set<string>();
  const policy = statement.startsWith("CREATE POLICY");
  let listing = false;
  for (const { text, quoted } of wordsOf(statement)) {
    // What a policy demands may hold any words.
    if (policy && !quoted && (text === "USING" || text === "WITH")) break;
    if (!quoted && ["TO", "FROM", "FOR", "ROLE", "AUTHORIZATION"].includes(text)) {
      listing = true;
      continue;
    }
    if (!quoted && LIST_ENDS.has(text)) listing = false;
    const command = ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "ROLE"].includes(text);
    if (listing && (quoted || (!NO_ROLES.has(text) && !command))) roles.add(text);
  }
  return [...roles];
}

/** What rights of a dump are on; those on what belongs to the server come back otherwise. */
const GRANTABLE =
  "TABLES?|SEQUENCES?|FUNCTIONS?|PROCEDURES?|ROUTINES?|SCHEMAS?|TYPES?|DOMAIN|LANGUAGE|LARGE OBJECTS?|FOREIGN SERVER|FOREIGN DATA WRAPPER";
const GRANT = new RegExp(
  `^(?:ALTER DEFAULT PRIVILEGES .*)?(?:GRANT|REVOKE) [^']*? ON (?:${GRANTABLE}) .*(?:TO|FROM) `,
  "s",
);
const AUTHORIZATION = /^(?:SET SESSION AUTHORIZATION (?:"|\w+)|RESET SESSION AUTHORIZATION)$/;
/** What a statement of rights has none of outside of names. */
const MORE_THAN_NAMES = /['$\\]|--|\/\*/;
const withoutNames = (statement: string) => statement.replace(/"(?:[^"]|"")*"/g, '"');

/**
 * Whether a statement gives or takes rights on an object of a database, as pg_dump writes it, and does nothing else: an
 * archive says whatever its writer wanted, a membership for instance.
 */
export function isOfRights(statement: string): boolean {
  const bare = withoutNames(statement);
  return !MORE_THAN_NAMES.test(bare) && (AUTHORIZATION.test(bare) || GRANT.test(bare));
}

const NAME = `(?:"|\\w+)`;
const OPERATOR_NAME = "[-+*/<>=~!@#%^&|`?]+";
const OBJECT = new RegExp(
  `^(?:${NAME}\\.)?(?:${NAME}|${OPERATOR_NAME})(?: ?\\([^()';]*\\))?(?: USING ${NAME})?$`,
);

/** Whether a text names one object of a kind, as `ALTER … OWNER TO` takes it, and says nothing else of it. */
export function isObjectOf(kind: string, text: string): boolean {
  const bare = withoutNames(text);
  return bare.startsWith(`${kind} `) && OBJECT.test(bare.slice(kind.length + 1));
}

/** The role in whose name what follows a statement is granted, where the statement says so. */
export const grantorOf = (statement: string): string | undefined =>
  statement.startsWith("SET SESSION AUTHORIZATION ") ? wordsOf(statement)[3]?.text : undefined;
