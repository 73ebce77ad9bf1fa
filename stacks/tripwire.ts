import * as pulumi from "@pulumi/pulumi";
import { OutsideWatch } from "../packages/isolation/outside";
import { readInventory } from "./inventory";

/**
 * Stops the program at its first attempt to read, adopt or ask about something outside the stack's own environment:
 * `.get()`, `import`, stack references, provider functions and dynamic resources, none of which a policy pack is
 * shown. Must be the program's first statement: what was created before it is not watched.
 *
 * @param root folder of the stack files; Pulumi runs the program in it
 * @throws pulumi.RunError when the inventory cannot be read, and from every resource or call that is refused
 */
export function armTripwire(root: string = process.cwd()): void {
  const watch = watchFor(root);
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const { id, import: importId } = opts as pulumi.CustomResourceOptions;
    if (id === undefined && importId === undefined) refuse(watch.resource({ type, name }));
    const checkedId = checked(id, (value) => watch.resource({ type, name, id: value }));
    const checkedImport = checked(importId, (value) => watch.resource({ type, name, importId: value }));
    if (checkedId === id && checkedImport === importId) return undefined;
    return { props, opts: { ...opts, id: checkedId, import: checkedImport } as pulumi.ResourceOptions };
  });
  pulumi.runtime.registerInvokeTransform(async ({ token, args, opts }) => {
    refuse(watch.invoke(token, await known(args)));
    return { args, opts };
  });
}

function watchFor(root: string): OutsideWatch {
  try {
    return new OutsideWatch(readInventory(root), pulumi.getProject(), pulumi.getStack());
  } catch (error) {
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}

function refuse(problem: string | undefined): void {
  if (problem) throw new pulumi.RunError(`isolation: ${problem}`);
}

/** Checks an id now when it is plain, and when it becomes known otherwise; then the id carries the check. */
function checked<Id extends pulumi.Input<string> | undefined>(
  id: Id,
  judge: (value: string) => string | undefined,
): pulumi.Input<string> | undefined {
  if (id === undefined) return undefined;
  if (typeof id === "string") {
    refuse(judge(id));
    return id;
  }
  return pulumi.output(id as pulumi.Input<string>).apply((value) => {
    refuse(judge(value));
    return value;
  });
}

/** The SDK's own view of an output: whether it is known, and what it is. */
interface Resolvable {
  readonly isKnown: Promise<boolean>;
  promise(withUnknowns?: boolean): Promise<unknown>;
}

/** Arguments of a function as plain data; what is not known is left out, as the engine leaves out the whole call. */
async function known(value: unknown): Promise<unknown> {
  if (pulumi.Output.isInstance(value)) {
    const output = value as unknown as Resolvable;
    return (await output.isKnown) ? known(await output.promise(true)) : undefined;
  }
  if (Array.isArray(value)) return Promise.all(value.map(known));
  if (typeof value !== "object" || value === null) return value;
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, inner]) => [key, await known(inner)] as const),
  );
  return Object.fromEntries(entries);
}
