import type { ResourceManagementClient } from "@azure/arm-resources";
import { createDefaultHttpClient, createPipelineRequest } from "@azure/core-rest-pipeline";
import type { AzureResource, ResourcesGround } from "./types";

/** Any resource by its id, which begins with `/subscriptions/`. */
export function resourceManager(
  client: ResourceManagementClient,
  { endpoint = "https://management.azure.com", pollMs = 2000 }: { endpoint?: string; pollMs?: number } = {},
): ResourcesGround {
  const options = (abortSignal: AbortSignal) => ({ abortSignal, updateIntervalInMs: pollMs });
  const http = createDefaultHttpClient();
  const read = async (url: string): Promise<unknown> => {
    const request = createPipelineRequest({ url, timeout: 20_000 });
    const { status, bodyAsText } = await client.pipeline.sendRequest(http, request);
    const body: unknown = bodyAsText ? JSON.parse(bodyAsText) : undefined;
    if (status === 404) return undefined;
    if (status >= 300) {
      const { error } = (body ?? {}) as { error?: { code?: string; message?: string } };
      throw Object.assign(new Error(`${error?.code ?? status}: ${error?.message ?? "Azure refused"}`), {
        statusCode: status,
      });
    }
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
        all.push(...(page?.value ?? []));
        next = page?.nextLink;
      }
      return all;
    },
    async put(id, apiVersion, resource, signal) {
      await client.resources.createOrUpdateById(id.slice(1), apiVersion, resource, options(signal));
    },
    async patch(id, apiVersion, change, signal) {
      await client.resources.updateById(id.slice(1), apiVersion, change, options(signal));
    },
    async delete(id, apiVersion, signal) {
      await client.resources.deleteById(id.slice(1), apiVersion, options(signal)).catch((error: unknown) => {
        if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      });
    },
  };
}
