/** What runs behind the front. */
export type Provider = "statping" | "gatus";

/** A path visitors may ask for. */
interface OpenPath {
  /** Regular expression of the whole path, as nginx writes them. */
  pattern: string;
  /** Query parameters that are passed on; no other is, so that none can carry a key (`?api=`). */
  parameters?: readonly string[];
}

/**
 * All that is open; everything else does not exist. Statping-ng takes any user's API key for an administrator's
 * (CVE-2026-50884) and lists users to anyone (CVE-2024-26478), so nothing of its users, settings and sign-in is.
 */
const OPEN_PATHS: Readonly<Record<Provider, readonly OpenPath[]>> = {
  statping: [
    { pattern: "^/$" },
    { pattern: "^/(service|static|css|js|scss|font|img|images|assets)/[\\w./-]+$" },
    { pattern: "^/(favicon\\.(ico|png)|robots\\.txt|banner\\.png|manifest\\.json)$" },
    { pattern: "^/api(/core)?$" },
    { pattern: "^/api/(services|groups|messages)(/\\d+)?$" },
    {
      pattern: "^/api/services/\\d+/(hits_data|ping_data|failure_data|uptime_data|failures|incidents)$",
      parameters: ["start", "end", "group", "fill", "limit", "offset"],
    },
  ],
  gatus: [
    { pattern: "^/$" },
    { pattern: "^/(endpoints|suites)/[\\w.-]+$" },
    { pattern: "^/(css|js|img|fonts|assets)/[\\w./-]+$" },
    {
      pattern:
        "^/(favicon(-\\d+x\\d+)?\\.(ico|png)|apple-touch-icon\\.png|logo-[\\w-]+\\.png|manifest\\.json)$",
    },
    { pattern: "^/api/v1/config$" },
    { pattern: "^/api/v1/(endpoints|suites)/statuses$", parameters: ["page", "pageSize"] },
    { pattern: "^/api/v1/endpoints/[\\w.-]+/health/badge\\.svg$" },
    { pattern: "^/api/v1/suites/[\\w.-]+/statuses$", parameters: ["page", "pageSize"] },
    {
      pattern: "^/api/v1/endpoints/[\\w.-]+/(statuses|(uptimes|response-times)/[\\w/.-]+)$",
      parameters: ["page", "pageSize", "duration"],
    },
  ],
};

const METHODS = "GET|HEAD";

function location({ pattern, parameters = [] }: OpenPath, upstream: string): string {
  const query = parameters.map((name) => `${name}=$arg_${name}`).join("&");
  return [
    `  location ~ "${pattern}" {`,
    `    set $args "${query}";`,
    `    proxy_pass http://${upstream};`,
    "  }",
  ].join("\n");
}

/** Configuration of nginx as a front that lets visitors look and nothing else. */
export function frontConfig(provider: Provider, port: number, upstream: string): string {
  return `server {
  listen ${port};
  server_name _;
  server_tokens off;
  absolute_redirect off;

  if ($request_method !~ ^(${METHODS})$) {
    return 405;
  }

  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Authorization "";
  proxy_set_header Cookie "";
  proxy_hide_header Set-Cookie;
  proxy_connect_timeout 2s;
  proxy_read_timeout 10s;
  add_header X-Content-Type-Options nosniff always;
  add_header X-Frame-Options DENY always;
  add_header Referrer-Policy no-referrer always;

  location = /-/healthy {
    access_log off;
    default_type text/plain;
    return 200 "ok\\n";
  }

${OPEN_PATHS[provider].map((path) => location(path, upstream)).join("\n\n")}

  location / {
    return 404;
  }
}
`;
}
