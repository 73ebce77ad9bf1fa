/** Packages the SDK loads to serialise functions only. */
export const SERIALISERS: readonly string[];
/** Stands for a module, and loads it when something of it is used for the first time. */
export function lazy<T extends object>(load: () => T): T;
/** Leaves out of Pulumi's SDK what a plan does not need; must come before the SDK's index is loaded. */
export function slim(): void;
/** Lets errors be made without stack traces, whatever limit is set. */
export function dropTraces(): void;
/** Undoes {@link dropTraces}. @param limit Frames a trace has from then on; default 10. */
export function restoreTraces(limit?: number): void;
