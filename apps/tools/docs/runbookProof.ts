/** What of a step says how it is proved; `runs` as a page's source has it. */
interface ProvedStep {
  readonly title: string;
  readonly runs: string;
  readonly command?: string | undefined;
}

/** Steps that a test runs as their page has them, without an environment: test/docs/runbooks.test.ts. */
export function runsAnywhere({ runs }: Pick<ProvedStep, "runs">): boolean {
  return runs === "local" || runs === "outside";
}

/** Commands whose effect is proved on an emulated Azure: test/cloud/runbooks.test.ts runs each of them. */
export function runsOnEmulatedAzure(command = ""): boolean {
  return command.startsWith("az ") && !command.startsWith("az storage blob");
}

/** Commands whose effect is proved on an emulated cluster, where nothing runs in a pod: the same test runs each of them. */
export function runsOnEmulatedCluster(command = ""): boolean {
  return command.startsWith("kubectl ") && !/^kubectl (exec|top) /.test(command);
}

/** Commands that ask the API from outside or in its pods: test/cloud/real.test.ts runs each of them, a stand-in for the API in the pods. */
export function runsInPod(command = ""): boolean {
  return /^(curl|kubectl (exec|top)) /.test(command);
}

/** Commands of the engine: `npm run rehearse -- --only 10` runs each of them, verbatim and in its page's order. */
export function runsInEngine(command = ""): boolean {
  return command.startsWith("pulumi ");
}

/** When the steps of a kind are run: in every `npm test`, there and with the real `az` beside it, or where `pulumi` is on PATH. */
const RUNS_OF_TESTS = ["in every test run", "and again with the real az", "where pulumi is"] as const;
type WhenRun = (typeof RUNS_OF_TESTS)[number];

/** What a reader may rely on of a step, and when a test runs it; nobody runs a person's. The first that fits. */
const NOTES: readonly [fits: (step: ProvedStep) => boolean, note: string, when?: WhenRun][] = [
  [({ runs }) => runs === "person", "a person's step"],
  [runsAnywhere, "runs anywhere; tested against a local database and blob server", "in every test run"],
  [
    ({ command }) => runsOnEmulatedAzure(command),
    "needs Azure; run on an emulated one as the operator, and refused there to a stranger",
    "and again with the real az",
  ],
  [
    ({ command }) => runsOnEmulatedCluster(command),
    "needs the cluster; run on an emulated one as the operator, and refused there to a stranger",
    "in every test run",
  ],
  [
    ({ command }) => runsInPod(command),
    "needs the platform; run on an emulated one, where a stand-in for the API asks a real database",
    "in every test run",
  ],
  [
    ({ command = "" }) => command.startsWith("az storage blob "),
    "needs Azure; its requests are made on an emulated account with versions (`test/cloud/real.test.ts`)",
    "in every test run",
  ],
  [
    ({ command }) => runsInEngine(command),
    "needs Azure; run verbatim by the real engine on an emulated one, as the deploying identity (`npm run rehearse -- --only 10`)",
    "where pulumi is",
  ],
  [
    ({ command = "" }) => /^npm run (-s )?operations -- /.test(command),
    "needs Azure; its verb is run, refused and interrupted on real servers behind an emulated one (`test/operations`)",
    "in every test run",
  ],
  [
    ({ command = "" }) => command === "npm run -s recovery -- status",
    "needs the cluster; run on two stores of which one does not answer (`test/recovery/targets.test.ts`)",
    "in every test run",
  ],
];

/** @throws Error for a step nobody runs: then its page would promise what was never tried */
export function proofOf(step: ProvedStep): { note: string; when: WhenRun | undefined } {
  const found = NOTES.find(([fits]) => fits(step));
  if (found === undefined) throw new Error(`"${step.title}": nothing runs ${step.command ?? "it"} in a test`);
  const [, note, when] = found;
  return { note, when };
}

/** How many steps the pages have, and how many of them are run when; what is left is a person's. */
export function stepCounts(books: readonly { readonly steps: readonly ProvedStep[] }[]) {
  const all = books.flatMap(({ steps }) => steps).map((step) => proofOf(step).when);
  const of = (when: WhenRun | undefined): number => all.filter((one) => one === when).length;
  const [always = 0, withAz = 0, withPulumi = 0] = RUNS_OF_TESTS.map(of);
  return { steps: all.length, person: of(undefined), always, withAz, withPulumi };
}
