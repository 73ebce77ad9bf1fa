import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { serveKubernetes, type Api } from "../../packages/emulated-azure/kubernetes";
import { selfSigned } from "../../packages/local-servers/certificate";

/** Who may ask, each by its name as its token: one does anything, the other reads all but Secrets. */
export const USERS = ["operator", "reader"] as const;

/** An emulated cluster's API that listens. */
export interface Served {
  readonly url: string;
  /** Certificate to trust, as PEM. */
  readonly certificate: string;
  stop(): Promise<void>;
}

/** Serves an API to the two users, with a certificate of its own. */
export async function serveToUsers(api: Api): Promise<Served> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubernetes-front-"));
  const files = selfSigned(folder);
  const certificate = fs.readFileSync(files.certificate, "utf8");
  const front = await serveKubernetes(
    api,
    {
      authenticate: (token) =>
        USERS.some((user) => user === token) ? { name: token, groups: [] } : undefined,
      forbids: (user, { verb, resource }) =>
        user.name === "reader" && (resource === "secrets" || !["get", "list", "watch"].includes(verb))
          ? "only reads"
          : undefined,
    },
    { certificate, key: fs.readFileSync(files.key, "utf8") },
  );
  return {
    url: front.url,
    certificate,
    async stop() {
      api.controller.stop();
      await front.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
