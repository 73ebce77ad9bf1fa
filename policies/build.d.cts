/** Compiles the policy pack of the project in a folder, unless it is fresh. @throws esbuild's Error */
export function buildPack(root: string): void;
