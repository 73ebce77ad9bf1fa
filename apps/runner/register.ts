// Registers one runner for one job: signs in to GitHub as the app whose key only this container has, and leaves what the
// runner's container starts with. Needs Node.js and nothing else, and runs before any code of a job does.
import { createSign, randomBytes } from "node:crypto";
import fs from "node:fs";
import process from "node:process";

/** Longest GitHub takes a token of an app for, less its clock's minute and ours (seconds). */
const TOKEN_SECONDS = 480;
/** What an answer may take, in milliseconds. */
const PATIENCE = 30_000;

/** @throws Error when the variable is missing */
function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name}: required`);
  return value;
}

/** What says that this is the app (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app). */
function appToken(app: string, key: string, now: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: now - 60, exp: now + TOKEN_SECONDS, iss: app })}`;
  return `${claims}.${createSign("RSA-SHA256").update(claims).sign(key, "base64url")}`;
}

/** @throws Error with GitHub's own words */
async function post(path: string, token: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${process.env["GITHUB_API_URL"] ?? "https://api.github.com"}${path}`, {
    method: "POST",
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "x-github-api-version": "2022-11-28",
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${text.slice(0, 500)}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function register(): Promise<void> {
  const organization = encodeURIComponent(setting("GITHUB_ORGANIZATION"));
  const installation = encodeURIComponent(setting("GITHUB_APP_INSTALLATION_ID"));
  const label = setting("RUNNER_LABEL");
  const key = fs.readFileSync(setting("GITHUB_APP_KEY_FILE"), "utf8");
  const file = setting("REGISTRATION_FILE");
  const app = appToken(setting("GITHUB_APP_ID"), key, Math.floor(Date.now() / 1000));
  const { token } = await post(`/app/installations/${installation}/access_tokens`, app, {
    permissions: { organization_self_hosted_runners: "write" },
  });
  const made = await post(`/orgs/${organization}/actions/runners/generate-jitconfig`, String(token), {
    name: `${label}-${randomBytes(6).toString("hex")}`,
    runner_group_id: Number(setting("RUNNER_GROUP")),
    labels: [label],
    work_folder: "_work",
  });
  const { encoded_jit_config: registration } = made;
  if (typeof registration !== "string" || registration === "")
    throw new Error("GitHub answered without a registration");
  fs.writeFileSync(file, registration, { mode: 0o600 });
}

register().catch((error: unknown) => {
  console.error(`error: no runner was registered: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
