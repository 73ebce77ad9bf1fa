import { configurationReference, stackFileSchema } from "../stacks/reference";

/** A file that is generated from code; never edited by hand. */
export interface GeneratedPage {
  /** Path from the repository's root. */
  file: string;
  render(): string | Promise<string>;
}

/** Every generated file of the repository. `npm run docs` writes them, a test fails when one is stale. */
export const PAGES: readonly GeneratedPage[] = [
  { file: "docs/configuration.md", render: configurationReference },
  { file: "docs/stack.schema.json", render: () => `${JSON.stringify(stackFileSchema(), null, 2)}\n` },
];
