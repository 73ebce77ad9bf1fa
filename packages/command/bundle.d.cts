import type { BuildOptions } from "esbuild";

/** esbuild's options beside those all bundles share. */
export interface BundleOptions extends BuildOptions {
  absWorkingDir: string;
  entryPoints: string[];
  /** Absolute. */
  outfile: string;
}

/** Makes the outfile unless nothing it is made of has changed; tells whether it had to. @throws esbuild's Error */
export function bundle(options: BundleOptions): boolean;

/** What every bundle has in common. */
export const COMMON: {
  bundle: true;
  platform: "node";
  format: "cjs";
  target: string;
  supported: Record<string, boolean>;
};

/** What a bundle needs beside {@link COMMON} to run without node_modules. */
export const WHOLE: Required<Pick<BuildOptions, "define" | "banner" | "external">>;
