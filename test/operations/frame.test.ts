import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { notRun } from "../../apps/operations/frame/errors";
import { incidentsOf } from "../../apps/operations/frame/incidents";
import { readJournal, type JournalCopy } from "../../apps/operations/frame/journal";
import { ownLeaseId, takeLocalLease } from "../../apps/operations/frame/lease";
import { operate, type Verb } from "../../apps/operations/frame/operate";
import { prompt } from "../../apps/operations/frame/prompt";
import { takeSharedLease, type LeasePlace } from "../../apps/operations/frame/sharedLease";
import type { Step } from "../../apps/operations/frame/steps";
import type { Platform } from "../../apps/operations/platform";
import { unfinished } from "../../apps/operations/status/records";
import { DIE_AT } from "../../apps/rehearsal/laptop/kill";
import { until } from "../support/until";

const ROOT = path.join(__dirname, "../..");

/*
 * Every verb runs its steps in one frame. Here that frame, in a process that is killed at each moment of each step; the verbs
 * themselves, each at each of its steps, in `killed.long.test.ts`.
 */
describe("a process of its own", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "framed-"))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  /**
   * @param limit of what any file may grow to, in KiB: as a disk without space, it takes a part of a line first
   * @param at where its journal is to be
   */
  const type = ({ dieAt, limit, at = folder }: { dieAt?: string; limit?: number; at?: string } = {}) =>
    spawnSync(
      "sh",
      [
        "-c",
        `${limit === undefined ? "" : `ulimit -f ${limit * 2}; `}exec "$@"`,
        "sh",
        process.execPath,
        ...(dieAt ? ["--require", DIE_AT] : []),
        ...["packages/command/run.mjs", "test/operations/framed.ts", at],
      ],
      {
        cwd: ROOT,
        timeout: 60_000,
        encoding: "utf8",
        env: { PATH: process.env.PATH, ...(dieAt && { DIE_AT: dieAt }) },
      },
    );
  const did = () => fs.readFileSync(path.join(folder, "done"), "utf8");
  const howOf = (stdout: string) => JSON.parse(stdout).steps.map(({ how }: { how: string }) => how);
  const journal = () => readJournal(path.join(folder, "INC-framed.jsonl"));

  test("killed with SIGKILL at every moment of every step, and typed again: each step ran once, the journal is whole", () => {
    const lease = path.join(folder, "operations-shop.lease");
    for (const step of ["one", "two", "three"])
      for (const moment of ["begun", "unheard"]) {
        const { signal, stderr } = type({ dieAt: `${moment}:${step}` });
        expect([signal, stderr]).toEqual(["SIGKILL", expect.stringContaining(`killed: ${moment} ${step}\n`)]);
        // It left its lease, and the next run takes it.
        expect(fs.existsSync(lease)).toBe(true);
      }
    const { status, stdout } = type();
    expect([status, howOf(stdout)]).toEqual([0, ["found", "found", "found"]]);
    expect(did()).toBe("one\ntwo\nthree\n");
    expect(fs.existsSync(lease)).toBe(false);
    const events = journal().map(({ event }) => event);
    expect(events.filter((event) => event === "run")).toHaveLength(7);
    expect(events.at(-1)).toBe("finished");
  });

  test("INT, TERM and HUP end a step at once, on record and without its lease; typed again it goes on", async () => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const args = ["packages/command/run.mjs", "test/operations/framed.ts", folder, "two"];
      const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      child.stderr.on("data", (part: Buffer) => {
        said += part.toString();
        if (/2\/3 two: write two/.test(said) && !child.killed) child.kill(name);
      });
      const [code] = (await once(child, "close")) as [number];
      expect([code, said]).toEqual([
        1,
        expect.stringMatching(`\nerror: interrupted by ${name}; type the same command again to go on\n$`),
      ]);
      expect(journal().at(-1)).toMatchObject({ event: "interrupted", step: "two" });
      expect(fs.existsSync(path.join(folder, "operations-shop.lease"))).toBe(false);
    }
    const { status, stdout } = type();
    expect([status, howOf(stdout)]).toEqual([0, ["found", "done", "done"]]);
  });

  test("a disk that gets full ends it in one sentence, with a journal that is whole; with space again it goes on", () => {
    // What is compiled is kept, too: before the disk is full.
    type();
    fs.rmSync(folder, { recursive: true });
    fs.mkdirSync(folder);
    const none = type({ limit: 0 });
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: --journal \S+: nothing can be kept there: E[^\n]*; another folder goes on\n$/,
      ),
    ]);
    expect(fs.readdirSync(folder)).toEqual([]);
    const full = type({ limit: 1 });
    expect([full.status, full.stderr]).toEqual([
      1,
      expect.stringMatching(/\nerror: the journal \S+INC-framed\.jsonl cannot be written: E[^\n]*\n$/),
    ]);
    expect(fs.readFileSync(path.join(folder, "INC-framed.jsonl"), "utf8")).toMatch(/\}\n$/);
    const before = journal().length;
    const { status, stdout } = type();
    expect([status, howOf(stdout)]).toEqual([0, ["found", "found", "done"]]);
    expect(did()).toBe("one\ntwo\nthree\n");
    expect(journal().length).toBeGreaterThan(before);
  });

  test("a folder where none can be made is refused in one sentence, and not asked for for ever", () => {
    const { status, stderr } = type({ at: "/proc/nobody/operations" });
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: --journal \/proc\/nobody\/operations: nothing can be kept there: E[^\n]*; another folder goes on\n$/,
      ),
    ]);
  });
});

/** A verb of one step, by the frame every verb runs in. */
const oneStep = (
  name: string,
  step: Pick<Step, "done" | "run" | "takesBack" | "patience">,
  document: object = {},
  bound = 60,
): Verb => ({
  name,
  exclusive: "shop",
  plan: () =>
    Promise.resolve({
      ...{ subject: "shop", facts: [], document },
      steps: [{ id: "edge", title: "it", bound, undo: "nothing", ...step }],
    }),
  report: ({ decidedAt, ends, runs }) => ({
    ...{ markdown: "", lines: [] },
    document: { decided: decidedAt.getTime() / 1000, edge: ends.get("edge")!.getTime() / 1000, runs },
  }),
});

/** A moment in seconds, and what a run that began then takes. */
const near = (seconds: number) => expect.closeTo(seconds, 0);

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
    const unheard = failing(notRun("the vault cannot be read", lost));
    await frame(unheard, "INC-unheard", () => new Date());
    const done = jest.fn(() => Promise.resolve<true | string>(true)).mockResolvedValueOnce("not so");
    done.mockRejectedValueOnce(notRun("the vault cannot be read", lost));
    const asked = oneStep("failover", { done, run: () => Promise.resolve() });
    await frame(asked, "INC-asked", () => new Date());
    expect([so, done.mock.calls.length]).toEqual([true, 3]);
    so = false;
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

  test("what stays unheard is asked for as long as the step has patience, and what it was is said", async () => {
    const lost = Object.assign(new Error("westeurope does not answer"), { statusCode: 503 });
    const step = { done: () => Promise.resolve("not so"), run: () => Promise.reject(lost) };
    const typed = (verb: Verb, incident: string) => frame(verb, incident, () => new Date());
    await expect(
      typed(oneStep("failover", { ...step, patience: 0 }, {}, 600), "INC-patience"),
    ).rejects.toThrow(/^edge: asked for 0 s: westeurope does not answer; nothing is undone/);
    // A client that is stopped has nothing to say but that it was.
    const aborted = Object.assign(new Error("The operation was aborted."), { name: "AbortError" });
    const stopped = jest
      .fn((signal: AbortSignal) => once(signal, "abort").then(() => Promise.reject(aborted)))
      .mockRejectedValueOnce(lost);
    await expect(typed(oneStep("failover", { ...step, run: stopped }, {}, 2), "INC-bound")).rejects.toThrow(
      /^edge: after 2 s: westeurope does not answer; nothing is undone/,
    );
  });

  test("a step whose postcondition does not come to hold ends at its bound, with what was last so", async () => {
    const step = { done: () => Promise.resolve("2 pods wanted"), run: () => Promise.resolve() };
    const late = oneStep("failover", step, {}, 0.3);
    await expect(frame(late, "INC-late-edge", () => new Date())).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^edge: after 0\.3 s: 2 pods wanted; nothing is undone/),
    });
  });

  test("nothing is waited for that answers to nobody: a step, its postcondition, what stands", async () => {
    const never = () => new Promise<never>(() => undefined);
    const ends = (step: Pick<Step, "done" | "run">, exclusive: string) =>
      expect(
        frame({ ...oneStep("failover", step, {}, 0.2), exclusive }, `INC-${exclusive}`, () => new Date()),
      ).rejects.toMatchObject({
        exitCode: 1,
        message: expect.stringMatching(/^edge: nothing answers, and its time is over; nothing is undone/),
      });
    const run = () => Promise.resolve();
    await Promise.all([
      ends({ done: () => Promise.resolve("not so"), run: never }, "run"),
      ends({ done: jest.fn(never).mockResolvedValueOnce("not so" as never), run }, "done"),
    ]);
    // What it did it takes back first, where it can.
    let so = "begun";
    const late = {
      done: () => Promise.resolve(so),
      run: async () => {
        await sleep(2_500);
        so = "taken back";
        throw new Error("it was taken back");
      },
    };
    await expect(
      frame(oneStep("failover", { ...late, takesBack: 60 }, {}, 0.2), "INC-back", () => new Date()),
    ).rejects.toThrow(/^edge: it was taken back; nothing is undone/);
    const stop = new AbortController();
    const planning = { ...oneStep("failover", { done: never, run: never }), plan: never };
    const typed = operate(
      planning,
      { dryRun: true },
      { now: () => new Date(), signal: stop.signal, say: () => undefined, folder },
    );
    stop.abort(new Error("interrupted by SIGINT"));
    await expect(typed).rejects.toThrow("interrupted by SIGINT");
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
            acquireLease: () => Promise.resolve({}),
            renewLease: renewed,
            releaseLease: () => Promise.resolve(),
          }),
        }),
      },
    }) as unknown as LeasePlace;

  test.each([
    ["ahead of", 3 * 3_600_000],
    ["behind", -3 * 3_600_000],
  ])("a clock %s Azure's is told, and the run measured by Azure's", async (words, aheadMs) => {
    const said: string[] = [];
    const incident = `INC-${words.replace(" ", "-")}`;
    const around = {
      now: () => new Date(Date.now() + aheadMs),
      signal: new AbortController().signal,
      folder,
    };
    const lease = () => Promise.resolve({ place: "incidents", aheadMs, release: () => Promise.resolve() });
    const so = oneStep("failover", { done: () => Promise.resolve(true), run: () => Promise.resolve() });
    const document = await operate(
      so,
      { yes: true, incident },
      { ...around, lease, say: (line) => said.push(line) },
    );
    expect(said).toContain(
      `this machine's clock is 3.0 h ${words} Azure's: the run is recorded and measured by Azure's`,
    );
    expect(Math.abs((document as { decided: number }).decided - Date.now() / 1000)).toBeLessThan(600);
  });

  test("a lease that another operator took meanwhile ends the run; a store that is silent does not", async () => {
    const taken = () => Promise.reject(Object.assign(new Error("LeaseIdMismatch"), { statusCode: 409 }));
    const held = new Promise(() => undefined);
    const waits = oneStep("failover", {
      done: () => Promise.resolve("not so"),
      run: (signal) =>
        new Promise((_, stop) =>
          signal.addEventListener("abort", () => stop(new Error("Request canceled."))),
        ),
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
    expect(readJournal(path.join(folder, "INC-taken.jsonl")).at(-1)).toMatchObject({
      event: "interrupted",
      data: { reason: expect.stringMatching(/was lost meanwhile/) },
    });
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

  test("a machine whose clock is set back meanwhile measures no time that runs backwards", async () => {
    let hours = 0;
    let so = false;
    const setBack = {
      done: () => Promise.resolve(so || "not so"),
      run: () => Promise.resolve(void ([so, hours] = [true, 3])),
    };
    const clock = () => new Date(Date.now() - hours * 3_600_000);
    const said: string[] = [];
    const { decided, edge } = (await frame(oneStep("failover", setBack), "INC-clock", clock, (line) =>
      said.push(line),
    )) as { decided: number; edge: number };
    expect(edge).toBeGreaterThanOrEqual(decided);
    expect(edge - decided).toBeLessThan(60);
    expect(said.join("\n")).toMatch(/edge: done in \d/);
  });

  test("one incident takes several verbs, and one of them again: each is measured by itself", async () => {
    const run = (name: string, at: number, found = false) => {
      let so = found;
      const done = () => Promise.resolve(so || "not so");
      const step = { done, run: () => Promise.resolve(void (so = true)) };
      return frame(oneStep(name, step, { asked: at }), "INC-1", () => new Date(at * 1000));
    };
    const alone = (at: number) => ({
      decided: near(at),
      edge: near(at),
      runs: [expect.objectContaining({ asked: at })],
    });
    expect(await run("contain", 10)).toMatchObject(alone(10));
    expect(await run("failover", 20)).toMatchObject(alone(20));
    expect(await run("failover", 30)).toMatchObject(alone(30));
    // Typed once more it has nothing left to do, and tells of the run that did it.
    expect(await run("failover", 40, true)).toMatchObject({ decided: near(30), edge: near(30) });
  });

  test("a lease's id that a full disk left empty is made anew", () => {
    const file = path.join(folder, "emptied.lease-id");
    fs.writeFileSync(file, "");
    const id = ownLeaseId(folder, "emptied");
    expect(id).toMatch(/^[0-9a-f]{8}-/);
    expect([ownLeaseId(folder, "emptied"), fs.readFileSync(file, "utf8")]).toEqual([id, `${id}\n`]);
  });

  const nothing = oneStep("failover", { done: () => Promise.resolve(true), run: () => Promise.resolve() });
  /** A journal of an incident, each line followed by the next whatever it says. */
  const kept = (incident: string, ...entries: object[]) => {
    let prev: string | null = null;
    const text = entries.map((entry, index) => {
      const line = JSON.stringify({
        seq: index + 1,
        at: "2026-11-30T03:00:00.000Z",
        verb: "failover",
        ...entry,
        prev,
      });
      prev = createHash("sha256").update(line).digest("hex");
      return `${line}\n`;
    });
    fs.writeFileSync(path.join(folder, `${incident}.jsonl`), text.join(""));
  };
  const run = { event: "run", data: { stack: "shop" } };

  test("a journal of a program before this one is gone on with; of a newer one, or changed, it is refused with what to do", async () => {
    kept("INC-older", run, { event: "begin", step: "edge" });
    await expect(frame(nothing, "INC-older", () => new Date())).resolves.toMatchObject({
      decided: Date.parse("2026-11-30T03:00:00Z") / 1000,
    });
    kept("INC-newer", run, { event: "begun", format: 3 });
    kept("INC-other", run, { event: "begin", format: "x" });
    for (const [incident, reason] of [
      [
        "INC-newer",
        "was written by a newer version of this program (format 3, and this one reads up to 2): go on with that one",
      ],
      ["INC-other", "is no journal entry; the journal was changed"],
    ] as const)
      await expect(frame(nothing, incident, () => new Date())).rejects.toMatchObject({
        exitCode: 2,
        message: `${path.join(folder, `${incident}.jsonl`)}, line 2: ${reason}; another --incident <id> begins another, and goes on from what it finds`,
      });
    const older = path.join(folder, "INC-older.jsonl");
    const text = fs.readFileSync(older, "utf8");
    fs.writeFileSync(older, text.replace('"edge"', '"edgy"'));
    await expect(frame(nothing, "INC-older", () => new Date())).rejects.toThrow(
      /line 3: does not follow the line before; the journal was changed/,
    );
    // What a killed run left of its last line was never relied on.
    fs.writeFileSync(older, `${text}{"torn`);
    await frame(nothing, "INC-older", () => new Date());
    expect(readJournal(older).length).toBeGreaterThan(text.split("\n").length - 1);
    fs.writeFileSync(path.join(folder, "INC-null.jsonl"), "null\n");
    await expect(frame(nothing, "INC-null", () => new Date())).rejects.toThrow(/line 1: is no journal entry/);
  });

  test("one incident begun on two machines: the store keeps what each wrote", async () => {
    const blobs = new Map<string, string>();
    const said: string[] = [];
    const copy: JournalCopy = {
      place: "incidents",
      write: (name, text) =>
        blobs.has(name)
          ? Promise.reject(new Error(`${name} is there`))
          : Promise.resolve(void blobs.set(name, text)),
    };
    for (const [machine, at] of [
      ["one", 1_000],
      ["other", 2_000_000],
    ] as const) {
      const own = path.join(folder, machine);
      const around = { now: () => new Date(at), signal: new AbortController().signal, folder: own, copy };
      await operate(
        nothing,
        { yes: true, incident: "INC-both" },
        { ...around, say: (line) => said.push(line) },
      );
      for (const line of fs.readFileSync(path.join(own, "INC-both.jsonl"), "utf8").trim().split("\n"))
        expect([...blobs.values()]).toContain(line);
    }
    expect(said.filter((line) => /warning/.test(line))).toEqual([]);
  });

  describe("without --incident", () => {
    const own = path.join(folder, "unnamed");
    const said: string[] = [];
    const typed = (verb: Verb, at: string) =>
      operate(
        verb,
        {},
        {
          ...{ now: () => new Date(at), signal: new AbortController().signal, folder: own },
          say: (line) => said.push(line),
          ask: () => Promise.resolve("shop"),
        },
      ) as Promise<{ journal: string }>;
    const incident = async (verb: Verb, at: string) =>
      path.basename((await typed(verb, at)).journal, ".jsonl");
    const failing = oneStep("failover", {
      done: () => Promise.resolve("not so"),
      run: () => Promise.reject(new Error("no")),
    });

    test("it goes on with the run that was left, and says so; what another incident ended since is over", async () => {
      await expect(typed(failing, "2026-07-01T03:00:00Z")).rejects.toThrow(/edge: no/);
      expect(incidentsOf(own).unfinished).toMatchObject([
        { incident: "failover-shop-20260701T030000", verb: "failover" },
      ]);
      expect(await incident(nothing, "2026-07-01T03:05:00Z")).toBe("failover-shop-20260701T030000");
      // A run's clock goes on by itself from the moment it is given, so what it wrote down is a little later.
      expect(said).toContainEqual(
        expect.stringMatching(
          /^goes on with failover-shop-20260701T030000, begun 2026-07-01T03:0\d:\S+Z and not finished; --incident <id> begins another$/,
        ),
      );
      await expect(typed(failing, "2026-07-02T03:00:00Z")).rejects.toThrow(/edge: no/);
      const now = () => new Date("2026-07-02T03:05:00Z");
      const around = { now, signal: new AbortController().signal, say: () => undefined, folder: own };
      await operate(nothing, { yes: true, incident: "INC-named" }, around);
      expect(incidentsOf(own).unfinished).toEqual([]);
      expect(await incident(nothing, "2026-11-30T03:00:00Z")).toBe("failover-shop-20261130T030000");
    });

    test("what another verb finished under the same incident does not finish it, and what undoes it does", async () => {
      const on = { ...failing, name: "maintenance-on" };
      const at = "2026-12-01T03:00:00Z";
      await expect(typed(on, at)).rejects.toThrow(/edge: no/);
      const left = incidentsOf(own).unfinished.map(({ verb }) => verb);
      const around = {
        now: () => new Date(at),
        signal: new AbortController().signal,
        say: () => undefined,
        folder: own,
      };
      const options = { yes: true, incident: "maintenance-on-shop-20261201T030000" };
      await operate({ ...nothing, name: "announce" }, options, around);
      expect([left, incidentsOf(own).unfinished.map(({ verb }) => verb)]).toEqual([
        ["maintenance-on"],
        ["maintenance-on"],
      ]);
      await typed({ ...nothing, name: "maintenance-off" }, "2026-12-01T03:10:00Z");
      expect(incidentsOf(own).unfinished).toEqual([]);
    });

    test("the last journal of the verb, changed by somebody, is not passed over; status names it beside the others", async () => {
      fs.writeFileSync(path.join(own, "failover-shop-20261202T030000.jsonl"), "{}\n");
      await expect(typed(nothing, "2026-12-02T03:05:00Z")).rejects.toThrow(
        /failover-shop-20261202T030000\.jsonl, line 1: is no journal entry; .*another --incident <id>/,
      );
      const platform = { stack: "shop" } as Platform;
      await expect(unfinished(platform, own)()).resolves.toMatchObject({
        state: "attention",
        text: expect.stringMatching(/failover-shop-20261202T030000\.jsonl, line 1: is no journal entry/),
      });
    });
  });
});
