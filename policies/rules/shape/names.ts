/** Where a resource is declared: the program's project and stack. */
interface Program {
  readonly project: string;
  readonly stack: string;
}

/** The program a resource's URN, or a stack's, is of. */
export function programOf(urn: string): Program {
  const [, , stack = "", , project = ""] = urn.split(":");
  return { project, stack };
}

/** A resource's name without its environment, which is another word elsewhere. */
function ownName(name: string, { project, stack }: Program): string {
  const product = project.split("-")[0] ?? project;
  return name.replace(`${product}-${stack}-`, "");
}

/** Numbers in a name: of generations, and of the days keys were made. */
const NUMBERS = /(?<=-)\d+(?=-|$)/g;

/** A resource's name without its environment and its place, which are other words elsewhere. */
export const stemOf = (name: string, program: Program): string =>
  ownName(name, program).replace(/^(?:primary|secondary)(?=-)/, "*");

/** The same without the numbers in it. */
export const placeOf = (name: string, program: Program): string =>
  stemOf(name, program).replace(NUMBERS, "#");

/** The same with its place. */
export const placedName = (name: string, program: Program): string =>
  ownName(name, program).replace(NUMBERS, "#");

/** Stands for every name. */
export const ANY_NAME = "*";
