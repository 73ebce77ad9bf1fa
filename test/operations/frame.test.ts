import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { readJournal } from "../../apps/operations/frame/journal";
import { takeLocalLease } from "../../apps/operations/frame/lease";
import { operate, type Verb } from "../../apps/operations/frame/operate";
import { prompt } from "../../apps/operations/frame/prompt";
import { takeSharedLease, type LeasePlace } from "../../apps/operations/frame/sharedLease";
import type { Step } from "../../apps/operations/frame/steps";
import { DIE_AT } from "../../apps/rehearsal/laptop/kill";
import { until } from "../support/until";

const ROOT = path.join(__dirname, "../..");

/*
 * Every verb runs its steps in one frame. Here that frame, in a process that is killed at each moment of each step; the verbs
 * themselves, each at each of its steps, in `killed.long.test.ts`.
 */
test("killed with SIGKILL at every moment of every step, and typed again: each step ran once, the journal is whole", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "framed-"));
  const type = (dieAt?: string) =>
    spawnSync(
      process.execPath,
      [
        ...(dieAt ? ["--require", DIE_AT] : []),
        ...["packages/command/run.mjs", "test/operations/framed.ts", folder],
      ],
      { cwd: ROOT, encoding: "utf8", env: { PATH: process.env.PATH, ...(dieAt && { DIE_AT: dieAt }) } },
    );
  const lease = path.join(folder, "operations-shop.lease");
  for (const step of ["one", "two", "three"])
    for (const moment of ["begun", "unheard"]) {
      const { signal, stderr } = type(`${moment}:${step}`);
      expect([signal, stderr]).toEqual(["SIGKILL", `killed: ${moment} ${step}\n`]);
      // It left its lease, and the next run takes it.
      expect(fs.existsSync(lease)).toBe(true);
    }
  const { status, stdout } = type();
  expect([status, JSON.parse(stdout).steps.map(({ how }: { how: string }) => how)]).toEqual([
    0,
    ["found", "found", "found"],
  ]);
  expect(fs.readFileSync(path.join(folder, "done"), "utf8")).toBe("one\ntwo\nthree\n");
  expect(fs.existsSync(lease)).toBe(false);
  const events = readJournal(path.join(folder, "INC-framed.jsonl")).map(({ event }) => event);
  expect(events.filter((event) => event === "run")).toHaveLength(7);
  expect(events.at(-1)).toBe("finished");
  fs.rmSync(folder, { recursive: true });
});

/** A verb of one step, by the frame every verb runs in. */
const oneStep = (name: string, step: Pick<Step, "done" | "run">, document: object = {}): Verb => ({
  name,
  exclusive: "shop",
  plan: () =>
    Promise.resolve({
      ...{ subject: "shop", facts: [], document },
      steps: [{ id: "edge", title: "it", bound: 60, undo: "nothing", ...step }],
    }),
  report: ({ decidedAt, ends, runs }) => ({
    ...{ markdown: "", lines: [] },
    document: { decided: decidedAt.getTime() / 1000, edge: ends.get("edge")!.getTime() / 1000, runs },
  }),
});

describe("the frame every verb runs in", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "frame-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const frame = (
    verb: Verb,
    incident: string,
    now: () => Date,
    say: (line: string) => void = () => undefined,
  ) => operate(verb, { yes: true, incident }, { now, signal: new AbortController().signal, say, folder });

  test("a step that was only not heard is run once more; one that was refused is not", async () => {
    let so = false;
    const said: string[] = [];
    const failing = (error: Error) => {
      const run = jest.fn(() => Promise.resolve(void (so = true)));
      run.mockRejectedValueOnce(error);
      return oneStep("failover", { done: () => Promise.resolve(so || "not so"), run });
    };
    const lost = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    await frame(
      failing(lost),
      "INC-late",
      () => new Date(),
      (line) => said.push(line),
    );
    expect([so, said]).toEqual([
      true,
      expect.arrayContaining([expect.stringMatching(/edge: socket hang up; once more/)]),
    ]);
    so = false;
    const other = Object.assign(new Error("no"), { statusCode: 409 });
    await expect(frame(failing(other), "INC-no", () => new Date())).rejects.toThrow(
      /^edge: no; nothing is undone/,
    );
    expect(so).toBe(false);
  });

  test("each run leaves a report of its own under the incident; no report, no step, where the disk takes no journal", async () => {
    const so = oneStep("failover", { done: () => Promise.resolve(true), run: () => Promise.resolve() });
    const [first, second] = [1_000, 2_000_000].map((at) => () => new Date(at));
    const kept = [await frame(so, "INC-kept", first!), await frame(so, "INC-kept", second!)];
    const files = kept.map((document) => (document as { report: string }).report);
    expect(new Set(files.filter((file) => fs.existsSync(file))).size).toBe(2);
    const full = jest.spyOn(fs, "fsyncSync").mockImplementation(() => {
      throw Object.assign(new Error("ENOSPC: no space left on device, fsync"), { code: "ENOSPC" });
    });
    const run = jest.fn(() => Promise.resolve());
    const step = oneStep("failover", { done: () => Promise.resolve("not so"), run });
    await expect(frame(step, "INC-full", first!)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^the journal \S+INC-full\.jsonl cannot be written: .*ENOSPC/),
    });
    full.mockRestore();
    expect(run).not.toHaveBeenCalled();
  });

  /** A store of incidents whose lease is given once, and then answers a renewal like this. */
  const store = (renewed: () => Promise<never>) =>
    ({
      name: "westeurope",
      container: {
        containerName: "incidents",
        getBlockBlobClient: () => ({
          upload: () => Promise.resolve(),
          getBlobLeaseClient: () => ({
            acquireLease: () => Promise.resolve(),
            renewLease: renewed,
            releaseLease: () => Promise.resolve(),
          }),
        }),
      },
    }) as unknown as LeasePlace;

  test("a lease that another operator took meanwhile ends the run; a store that is silent does not", async () => {
    const taken = () => Promise.reject(Object.assign(new Error("LeaseIdMismatch"), { statusCode: 409 }));
    const held = new Promise(() => undefined);
    const waits = oneStep("failover", {
      done: () => Promise.resolve("not so"),
      run: (signal) => new Promise((_, stop) => signal.addEventListener("abort", () => stop(signal.reason))),
    });
    const under = {
      now: () => new Date(),
      signal: new AbortController().signal,
      say: () => undefined,
      folder,
    };
    const typed = operate(
      waits,
      { yes: true, incident: "INC-taken" },
      { ...under, lease: (name) => takeSharedLease([store(taken)], name, folder, 1) },
    );
    await expect(Promise.race([typed, held])).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^the lease incidents\/leases\/operations-shop was lost meanwhile/),
    });
    expect(readJournal(path.join(folder, "INC-taken.jsonl")).at(-1)?.event).toBe("interrupted");
    const renewals = jest.fn(() => Promise.reject(new Error("socket hang up")));
    const quiet = await takeSharedLease([store(renewals)], "other", folder, 1);
    await until("it was renewed three times", () => Promise.resolve(renewals.mock.calls.length > 2));
    expect(quiet.lost?.aborted).toBe(false);
    await quiet.release();
  });

  test("of two who find the lease of a run that was killed, one takes it", () => {
    const file = path.join(folder, "raced.lease");
    fs.writeFileSync(file, "4194304999\n");
    const rename = fs.renameSync;
    const spy = jest.spyOn(fs, "renameSync").mockImplementationOnce((from, to) => {
      // Between its look and its hand another one has taken it, and lives.
      fs.writeFileSync(file, `${process.pid}\n`);
      rename(from, to);
    });
    expect(() => takeLocalLease(folder, "raced")).toThrow(
      new RegExp(
        `^process ${process.pid} holds .*; nothing was done. If that is no run of operations, delete`,
      ),
    );
    spy.mockRestore();
    expect(fs.readFileSync(file, "utf8")).toBe(`${process.pid}\n`);
    expect(fs.readdirSync(folder).filter((name) => name.startsWith("raced."))).toEqual(["raced.lease"]);
  });

  test.each([
    ["an answer", (input: PassThrough) => input.write("shop\n"), "shop"],
    ["the end of the input", (input: PassThrough) => input.end(), undefined],
    ["a signal", (_: PassThrough, stop: AbortController) => stop.abort(), undefined],
  ])("whoever is asked leaves by %s, shown or hidden", async (_name, leave, typed) => {
    const own = Object.getOwnPropertyDescriptor(process, "stdin")!;
    const quiet = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      for (const hidden of [false, true]) {
        const [input, stop] = [new PassThrough(), new AbortController()];
        Object.defineProperty(process, "stdin", { value: input, configurable: true });
        const asked = prompt("? ", stop.signal, { hidden });
        leave(input, stop);
        expect(await asked).toBe(typed);
      }
    } finally {
      Object.defineProperty(process, "stdin", own);
      quiet.mockRestore();
    }
  });

  test("nobody who left without an answer has agreed", async () => {
    const never = oneStep("failover", {
      done: () => Promise.resolve("not so"),
      run: () => Promise.resolve(),
    });
    const left = {
      now: () => new Date(),
      signal: new AbortController().signal,
      say: () => undefined,
      folder,
    };
    await expect(
      operate(never, {}, { ...left, ask: () => Promise.resolve(undefined) }),
    ).rejects.toMatchObject({
      exitCode: 2,
      message: "nobody typed shop; nothing was done",
    });
  });

  test("one incident takes several verbs, and one of them again: each is measured by itself", async () => {
    const run = (name: string, at: number, found = false) => {
      let so = found;
      const done = () => Promise.resolve(so || "not so");
      const step = { done, run: () => Promise.resolve(void (so = true)) };
      return frame(oneStep(name, step, { asked: at }), "INC-1", () => new Date(at * 1000));
    };
    const alone = (at: number) => ({ decided: at, edge: at, runs: [expect.objectContaining({ asked: at })] });
    expect(await run("contain", 10)).toMatchObject(alone(10));
    expect(await run("failover", 20)).toMatchObject(alone(20));
    expect(await run("failover", 30)).toMatchObject(alone(30));
    // Typed once more it has nothing left to do, and tells of the run that did it.
    expect(await run("failover", 40, true)).toMatchObject({ decided: 30, edge: 30 });
  });
});
