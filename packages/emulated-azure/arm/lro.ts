import { randomUUID } from "node:crypto";
import type { Tree } from "../model/types";
import { ArmError, toArmError } from "./errors";

/** A long-running operation, as its two addresses tell of it. */
interface Running {
  readonly id: string;
  readonly name: string;
  readonly startTime: string;
  readonly result: () => Tree | undefined;
  readonly empty: number;
  endTime?: string;
  status: "InProgress" | "Succeeded" | "Failed";
  error?: ArmError;
}

/** Answers about the end of an operation. */
export interface LroAnswer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Operations ARM has accepted and not ended yet, and those that ended (async-operations of ARM's contract). */
export class LongRunning {
  private readonly operations = new Map<string, Running>();

  /**
   * @param retryAfter Seconds a client is asked to wait between two looks.
   * @param now The cloud's clock.
   */
  constructor(
    private readonly retryAfter: number,
    private readonly now: () => Date,
  ) {}

  /**
   * Follows an operation to its end.
   * @param place Path before `azureAsyncOperation` and `operationResults`, e.g. `/subscriptions/…/locations/westeurope`.
   * @param result What the result's address shows in the end; undefined for nothing.
   * @param empty Status of a result that shows nothing.
   * @returns headers of the answer that accepts it.
   */
  follow(
    base: string,
    place: string,
    apiVersion: string,
    done: Promise<unknown>,
    result: () => Tree | undefined,
    empty = 204,
  ): Record<string, string> {
    const name = randomUUID();
    const path = `${place}/azureAsyncOperation/${name}`;
    const running: Running = {
      id: path,
      name,
      startTime: this.now().toISOString(),
      result,
      empty,
      status: "InProgress",
    };
    this.operations.set(name, running);
    const end = (status: Running["status"], error?: unknown): void => {
      running.status = status;
      running.endTime = this.now().toISOString();
      if (error !== undefined) running.error = toArmError(error);
    };
    done.then(
      () => end("Succeeded"),
      (error: unknown) => end("Failed", error),
    );
    return {
      "Azure-AsyncOperation": `${base}${path}?api-version=${apiVersion}`,
      Location: `${base}${place}/operationResults/${name}?api-version=${apiVersion}`,
      "Retry-After": String(this.retryAfter),
    };
  }

  /** What the address of an operation or its result answers; undefined when there is no such operation. */
  answer(path: string, self: string): LroAnswer | undefined {
    const [, place = "", kind = "", name = ""] = /^(.*)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const running = this.operations.get(name);
    if (`${place}/azureAsyncOperation/${name}`.toLowerCase() !== running?.id.toLowerCase()) return undefined;
    const wait = { "Retry-After": String(this.retryAfter) };
    if (kind.toLowerCase() === "azureasyncoperation") {
      const { id, status, startTime, endTime, error } = running;
      const body = { id, name, status, startTime, ...(endTime && { endTime }), ...(error && error.body()) };
      return { status: 200, body, ...(status === "InProgress" && { headers: wait }) };
    }
    if (running.status === "InProgress") return { status: 202, headers: { ...wait, Location: self } };
    if (running.error) throw running.error;
    const result = running.result();
    return result ? { status: 200, body: result } : { status: running.empty };
  }
}
