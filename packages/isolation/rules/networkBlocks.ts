import { Cursor } from "../read";
import { type Context, type Violation } from "../rule";
import { AddressRange, overlap, rangesOf, subtract } from "../addresses";
import { watchOf } from "../context";

/** Ports PostgreSQL and PgBouncer listen on. */
export const DATABASE_PORTS = [5432, 6432];
export const EVERYWHERE: AddressRange = { first: 0, last: 2 ** 32 - 1 };

export function reachable(
  context: Context,
  range: AddressRange,
  except: readonly AddressRange[],
): string | undefined {
  const blocks = watchOf(context).perimeter.addresses;
  return blocks.find((block) => subtract(range, except).some((part) => overlap(part, block)))?.environment;
}

/** Whether a rule's ports let a database connection through; an unreadable port might. */
export function letsDatabasesThrough(ports: Cursor): boolean {
  const list = ports.items();
  if (list.length === 0) return true;
  return list.some((entry) => {
    const port = entry.at("port");
    if (!port.present) return true;
    const first = port.number ?? Number(port.text);
    if (!Number.isFinite(first)) return true;
    const last = entry.at("endPort").number ?? first;
    return DATABASE_PORTS.some((database) => first <= database && database <= last);
  });
}

const isPrivate = ({ first, last }: AddressRange): boolean => first >= 0x0a000000 && last <= 0x0affffff;
export const isWide = (range: AddressRange): boolean => range.last - range.first + 1 >= 2 ** 24;

export function blockViolations(
  cidr: Cursor,
  except: Cursor,
  ports: Cursor | undefined,
  context: Context,
): Violation[] {
  const holes = except.texts().flatMap(rangesOf);
  const reached = rangesOf(cidr.text ?? "").flatMap((range) => {
    if (ports && isWide(range) && !letsDatabasesThrough(ports)) return [];
    // Ingress from the whole internet says nothing about one environment; prod lets no private block in as a whole.
    if (!ports && isWide(range) && (context.environment !== "prod" || !isPrivate(range))) return [];
    return reachable(context, range, holes) ?? [];
  });
  return reached.slice(0, 1).map((environment) => ({
    path: cidr.path,
    environment,
    message: `lets traffic ${ports ? "to" : "from"} addresses of ${environment} through; cut them out with \`except\` or name the stack's own block`,
  }));
}

/** What lets traffic to every address through, wherever another environment has addresses at all. */
export function everyAddress(places: readonly Cursor[], context: Context): Violation[] {
  const environment = reachable(context, EVERYWHERE, []);
  if (environment === undefined) return [];
  return places.map(({ path }) => ({
    path,
    environment,
    message: `lets traffic to every address through, those of ${environment} included; name the destinations`,
  }));
}

export function everywhereViolations(rule: Cursor, to: Cursor, context: Context): Violation[] {
  if (to.items().length > 0 || !letsDatabasesThrough(rule.at("ports"))) return [];
  return everyAddress([rule], context);
}
