import type { Stored } from "./model/types";

/** Something that has just happened to a resource, whichever front it came through. */
export type CloudEvent =
  | { readonly kind: "created"; readonly stored: Stored }
  | { readonly kind: "updated"; readonly stored: Stored; readonly before: Stored }
  | { readonly kind: "deleted"; readonly before: Stored }
  /** A replica took over. `former` is the server it followed: demoted by a switchover, untouched by a standalone one. */
  | {
      readonly kind: "promoted";
      readonly stored: Stored;
      readonly former?: Stored;
      readonly mode: "standalone" | "switchover";
      readonly option: "planned" | "forced";
    }
  | { readonly kind: "restarted"; readonly stored: Stored; readonly failover: boolean }
  /** The copy in the other region became the account. */
  | { readonly kind: "failed-over"; readonly stored: Stored };

/** What runs behind a resource, such as a database server, acts on an event before the operation counts as done. */
export type Hook = (event: CloudEvent) => void | Promise<void>;

/** Those who want to know what happens in the cloud. */
export class Hooks {
  private readonly hooks = new Set<Hook>();
  private readonly after = new Set<(event: CloudEvent) => void>();

  /** @returns takes the hook away again. */
  on(hook: Hook): () => void {
    this.hooks.add(hook);
    return () => this.hooks.delete(hook);
  }

  /** Told once an event has happened behind the cloud too. */
  onDone(listener: (event: CloudEvent) => void): void {
    this.after.add(listener);
  }

  /**
   * Ends when every hook has; the first that fails fails the operation.
   * @param undo Takes back what the event tells of: what did not happen behind the cloud has not happened in it.
   */
  async emit(event: CloudEvent, undo?: () => void): Promise<void> {
    try {
      for (const hook of this.hooks) await hook(event);
    } catch (error) {
      undo?.();
      throw error;
    }
    for (const listener of this.after) listener(event);
  }
}
