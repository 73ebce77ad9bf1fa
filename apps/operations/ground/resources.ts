import type { ResourceManagementClient } from "@azure/arm-resources";
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type PipelineRequestOptions,
} from "@azure/core-rest-pipeline";
import { setTimeout } from "node:timers/promises";
import { REQUEST_MS } from "./patience";
import type { AzureResource, ResourcesGround } from "./types";
import { statusOf } from "../frame/errors";

/** Any resource by its id, which begins with `/subscriptions/`. */
export function resourceManager(
  client: ResourceManagementClient,
  { endpoint = "https://management.azure.com", pollMs = 2000 }: { endpoint?: string; pollMs?: number } = {},
): ResourcesGround {
  const options = (abortSignal: AbortSignal) => ({ abortSignal, updateIntervalInMs: pollMs });
  const http = createDefaultHttpClient();
  const refusal = (status: number, body: unknown): Error => {
    const { error } = (body ?? {}) as { error?: { code?: string; message?: string } };
    return Object.assign(new Error(`${error?.code ?? status}: ${error?.message ?? "Azure refused"}`), {
      statusCode: status,
      ...(error?.code !== undefined && { code: error.code }),
    });
  };
  /** What an answer holds. @throws Error where something between here and Azure answered, which speaks no JSON */
  const bodyOf = (url: string, status: number, text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      const said = text
        .replace(/(<[^>]*>|\s)+/g, " ")
        .trim()
        .slice(0, 80);
      throw Object.assign(new Error(`${new URL(url).host} answers ${status}, and no JSON: ${said}`), {
        statusCode: status,
      });
    }
  };
  const send = async (request: Omit<PipelineRequestOptions, "timeout">) => {
    const options = createPipelineRequest({ ...request, timeout: REQUEST_MS });
    const { status, headers, bodyAsText } = await client.pipeline.sendRequest(http, options);
    return { status, headers, body: bodyAsText ? bodyOf(request.url, status, bodyAsText) : undefined };
  };
  const read = async (url: string, method: "GET" | "POST" = "GET"): Promise<unknown> => {
    const { status, body } = await send({ url, method });
    if (status === 404) return undefined;
    if (status >= 300) throw refusal(status, body);
    return body;
  };
  const url = (id: string, apiVersion: string) => `${endpoint}${id}?api-version=${apiVersion}`;
  return {
    async get(id, apiVersion) {
      return (await read(url(id, apiVersion))) as AzureResource | undefined;
    },
    async list(path, apiVersion, query = {}) {
      const all: AzureResource[] = [];
      const asked = new URLSearchParams(query).toString();
      for (let next: string | undefined = `${url(path, apiVersion)}${asked && `&${asked}`}`; next;) {
        const page = (await read(next)) as { value?: AzureResource[]; nextLink?: string } | undefined;
        // What is not there has no list, and not an empty one.
        if (!page) throw Object.assign(new Error(`there is no ${path}`), { statusCode: 404 });
        all.push(...(page.value ?? []));
        next = page.nextLink;
      }
      return all;
    },
    async ask(action, apiVersion) {
      const answer = await read(url(action, apiVersion), "POST");
      if (answer === undefined) throw new Error(`there is no ${action.slice(0, action.lastIndexOf("/"))}`);
      return answer;
    },
    async put(id, apiVersion, resource, signal) {
      await client.resources.createOrUpdateById(id.slice(1), apiVersion, resource, options(signal));
    },
    async patch(id, apiVersion, change, signal) {
      await client.resources.updateById(id.slice(1), apiVersion, change, options(signal));
    },
    async delete(id, apiVersion, signal) {
      await client.resources.deleteById(id.slice(1), apiVersion, options(signal)).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
    },
    async post(action, apiVersion, body, abortSignal) {
      const headers = createHttpHeaders({ "content-type": "application/json" });
      const first = {
        url: url(action, apiVersion),
        method: "POST",
        headers,
        body: JSON.stringify(body),
      } as const;
      let answer = await send({ ...first, abortSignal });
      // Location answers 202 for as long as it lasts, and then what came of it.
      for (let at = answer.headers.get("location"); answer.status === 202 && at;) {
        await setTimeout(pollMs, undefined, { signal: abortSignal });
        answer = await send({ url: at, abortSignal });
        at = answer.headers.get("location") ?? at;
      }
      if (answer.status >= 300) throw refusal(answer.status, answer.body);
    },
  };
}
