import type { RunnerPurpose } from "./names";

/** Secret of the home's vault, and of the jobs: private key of the GitHub App, in PEM. */
export const GITHUB_APP_SECRET = "github-app";

/** Where that secret of a vault answers. */
export const appKeyAddress = (vault: string): string =>
  `https://${vault}.vault.azure.net/secrets/${GITHUB_APP_SECRET}`;

/** Where the container that registers a runner finds that key. */
export const KEY_FILE = { folder: "/run/github-app", name: "key.pem" } as const;

/** Where it leaves what registers one runner for one job. */
export const JIT_FILE = { folder: "/run/registration", name: "jitconfig" } as const;

/**
 * How long one runner may last, in hours: longer than the longest job of its purpose in .github/workflows; and how many run
 * at once.
 */
export const RUNNER_LIMITS: Readonly<Record<RunnerPurpose, { hours: number; atOnce: number }>> = {
  deploy: { hours: 6, atOnce: 2 },
  preview: { hours: 2, atOnce: 4 },
};

/** Label by which the workflows ask for a runner of an environment. */
export const runnerLabel = (purpose: RunnerPurpose, environment: string): string =>
  `forma3d-${purpose}-${environment}`;
