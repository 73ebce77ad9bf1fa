/** What writing and locking need of a store. */
export interface FolderPlace {
  fileOf(container: string, name: string): string;
  /** A new, empty file beside the final ones. */
  unfinished(container: string): Promise<string>;
  /** Gives a file its final name; false when there is one of that name already. */
  publish(unfinished: string, container: string, name: string): Promise<boolean>;
}
