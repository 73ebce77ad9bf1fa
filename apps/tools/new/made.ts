/** What a scaffold has made, and what a person does next. */
export interface Made {
  /** Files that were written, from the repository's root. */
  readonly files: readonly string[];
  readonly next: readonly string[];
}
