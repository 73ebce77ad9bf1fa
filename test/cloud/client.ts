import type { TokenCredential } from "@azure/core-auth";
import https from "node:https";
import type { EmulatedCloud } from "../../packages/emulated-azure/cloud";
import type { Listening } from "../../packages/emulated-azure/listen";
import type { Principal } from "../../packages/emulated-azure/rights/directory";

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: any;
}

/** One HTTPS request over the loopback, with nothing of a client's own manners. */
export function request(
  listening: Pick<Listening, "address" | "certificate">,
  method: string,
  path: string,
  options: { token?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { token, body } = options;
  return new Promise((resolve, reject) => {
    const sent = https.request(
      `${listening.address}${path}`,
      {
        method,
        ca: listening.certificate,
        headers: {
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && {
            "Content-Type": "application/json",
            "Content-Length": String(Buffer.byteLength(body)),
          }),
          ...options.headers,
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => {
          let parsed: unknown = text;
          try {
            parsed = text === "" ? undefined : JSON.parse(text);
          } catch {
            // Left as text.
          }
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Signs a principal in at the cloud's own endpoint, as a client would. */
export async function signIn(
  cloud: EmulatedCloud,
  listening: Listening,
  { appId = "", secret = "" }: Principal,
  scope = "https://management.azure.com/.default",
): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: appId,
    client_secret: secret,
    scope,
  });
  const { status, body } = await request(
    listening,
    "POST",
    `/${cloud.directory.tenantId}/oauth2/v2.0/token`,
    {
      body: form.toString(),
    },
  );
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.access_token;
}

/** The credential Microsoft's clients take. */
export function credentialOf(
  cloud: EmulatedCloud,
  listening: Listening,
  principal: Principal,
): TokenCredential {
  return {
    getToken: async () => ({
      token: await signIn(cloud, listening, principal),
      expiresOnTimestamp: Date.now() + 600_000,
    }),
  };
}
