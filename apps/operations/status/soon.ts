import { messageOf } from "../frame/errors";
import type { Ground } from "../ground/types";
import { inTime } from "./inTime";

/** Seconds one request of a look-up may take: less than the look-up has, so that whoever is silent is named and the rest is told. */
const SECONDS = 8;

type Call = (...args: unknown[]) => unknown;

/**
 * The same ground, whose databases, servers, vaults and clusters are waited for no longer than a look-up is, and by name: where one
 * region swallows what it is asked, the line still says what the other one answered.
 */
export function soon(ground: Ground, seconds = SECONDS): Ground {
  const heard = async <T>(who: string, asked: Promise<T>): Promise<T> => {
    try {
      return await inTime(asked, seconds, `${who}: no answer within ${seconds} s`);
    } catch (error) {
      const text = messageOf(error);
      if (text.includes(who)) throw error;
      // Status and code of the answer stay: a right that lacks is no silence.
      throw Object.assign(new Error(`${who}: ${text}`, { cause: error }), codesOf(error));
    }
  };
  /** @param nameOf whom a call asks, by its arguments */
  const bounded = <T extends object>(target: T, nameOf: (args: readonly unknown[]) => string): T =>
    new Proxy(target, {
      get(_target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const asked = (member as Call).apply(target, args);
          return asked instanceof Promise ? heard(nameOf(args), asked) : asked;
        };
      },
    });
  const argument = (at: number) => (args: readonly unknown[]) => String(args[at]);
  // What lacks a setting says so where it is asked for, and not here.
  return Object.create(ground, {
    database: { get: () => bounded(ground.database, argument(0)) },
    servers: { get: () => bounded(ground.servers, argument(1)) },
    vaults: { get: () => bounded(ground.vaults, argument(0)) },
    cluster: { value: (name: string) => bounded(ground.cluster(name), () => name) },
  }) as Ground;
}

const codesOf = (error: unknown): object => {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  return { ...(code !== undefined && { code }), ...(statusCode !== undefined && { statusCode }) };
};
