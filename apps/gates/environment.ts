/**
 * Variables the engine, the program and the pack may be given. Everything else stays out: a variable can configure the
 * engine (`PULUMI_OPTION_…`), run code in each Node.js process (`NODE_OPTIONS`) or lead to another place for modules.
 */
const ALLOWED: readonly RegExp[] = [
  /^(PATH|HOME|USER|LANG|LC_ALL|TZ|TMPDIR)$/,
  // Where the state is and how its secrets are opened.
  /^PULUMI_(BACKEND_URL|CONFIG_PASSPHRASE|CONFIG_PASSPHRASE_FILE|HOME|SKIP_UPDATE_CHECK)$/,
  // How Azure is signed in to: by the CLI's session, or by a token that is exchanged.
  /^ARM_(USE_OIDC|CLIENT_ID|TENANT_ID|SUBSCRIPTION_ID|OIDC_TOKEN_FILE_PATH|OIDC_REQUEST_TOKEN|OIDC_REQUEST_URL)$/,
  /^AZURE_(CLIENT_ID|TENANT_ID|FEDERATED_TOKEN_FILE|AUTHORITY_HOST|CONFIG_DIR|STORAGE_ACCOUNT)$/,
  /^ACTIONS_ID_TOKEN_REQUEST_(TOKEN|URL)$/,
  // How the machine reaches the network.
  /^(HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|SSL_CERT_FILE|SSL_CERT_DIR)$/,
  /^(CI|GITHUB_ACTIONS|RUNNER_TEMP)$/,
];

/** What the engine is given of an environment, and nothing beside it. */
export function allowedEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && ALLOWED.some((pattern) => pattern.test(entry[0])),
    ),
  );
}
