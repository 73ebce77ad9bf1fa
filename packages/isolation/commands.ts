import { type Assembled, opened } from "./siblings";
import { toldTo } from "./programs";
import { canonical, substituted } from "./text";

/** Programs that act on whatever environment they are told, by any of their arguments: engines, clients of clusters and clouds, stores of secrets. */
const TOOLS =
  "pulumi|esc|terraform|tofu|terragrunt|cdktf|kubectl|kubectx|kubie|oc|helm|helmfile|flux|argocd|skaffold|az|azd|gh|glab|ansible(?:-playbook)?|vault|doppler|infisical|chamber|sops";
/** Programs that pass on to others what they are told, and of whose arguments only those count that choose. */
const RUNNERS = "make|just|task|npm|npx|pnpm|yarn";
/** Clients of databases, which take a server by the name of a service; whatever else they are told is SQL. */
const CLIENTS = "psql|pg_dump|pg_dumpall|pg_restore|pg_isready|pgcli";
const called = (programs: string, flags: string): RegExp =>
  new RegExp(
    String.raw`(?:^|[\s/;&|($"'\x60])(?:${programs})(?![\w.]|:\s)(?:\\\r?\n|[^\n;|&]){0,500}`,
    flags,
  );
const ANY_CALL = called(`${TOOLS}|${RUNNERS}|${CLIENTS}`, "i");
const TOOL_CALL = called(TOOLS, "g");
const RUNNER_CALL = called(RUNNERS, "g");
const CLIENT_CALL = called(CLIENTS, "g");
const SERVICE = /\bservice\s*=\s*["']?([\w./-]+)/g;
/** The first member of a list that is a command line. */
const IS_PROGRAM = new RegExp(String.raw`^(?:\S*/)?(?:${TOOLS}|${RUNNERS}|${CLIENTS})$`, "i");
/** How a call says on which environment it acts, where a text may be prose as well. */
const CHOICE =
  /\s(?:-s|-e|-f|--(?:stack|context|kube-?context|subscription|environment|env|workspace|profile|cluster|cluster-name|stage|target|config|config-env|var-file|values|ref|name))(?:\s*=\s*|\s+)["']?([\w./@:=-]+)|\b(?:select|switch|use|use-context|set-context|activate|kubectx)\s+["']?([\w./@-]+)|\b(?:env|environment|stack|stage|workspace|context|target|service)\s*=\s*["']?([\w./-]+)/g;
/** A command line of a container, as {@link commandLine} writes it, and a script. */
const IS_COMMAND = /^(?:\$ |#!)/;
export const COMMAND_MARK = "$ ";
/** Settings from which tools take the same. */
const SETTING =
  /\b(?:(?:pulumi_)?stack_?name|pulumi_stack|tf_workspace|tf_var_(?:env|environment|stage)|(?:helm_)?kube_?(?:context|config)|azure_env_name|azure_subscription(?:_name)?|arm_subscription_name|aws_profile|pgservice|doppler_(?:config|environment)|infisical_env(?:ironment)?)["']?\s*[=:]\s*["']?([\w./-]+)/g;
const MAY_SET = /[=:]/;
const SETTING_NAME =
  /^(?:pulumi_stack|tf_workspace|tf_var_|(?:helm_)?kube_?(?:context|config)$|azure_env_name|azure_subscription|arm_subscription_name|aws_profile|pgservice$|doppler_|infisical_env)/i;

/** A section of a file of services, profiles or hosts, with what connects in it. */
const SECTION =
  /^[ \t]*\[(?:(?:profile|service|remote|default)[ \t:]+)?"?([\w./-]+)"?\][ \t]*(?=(?:\r?\n(?![ \t]*\[)[^\n]{0,300}){0,20}?\r?\n[ \t]*(?:host(?:addr|name)?|service(?:file)?|dbname|user(?:name)?|role_arn|aws_\w+|server|url|endpoint|account)[ \t]*=)/gm;

/** What a text tells tools to act on: calls, and settings they read. In lower case. */
export interface Choices {
  /** Any word in it counts that stands for an environment. */
  readonly told: readonly string[];
  /** Only the name of an environment counts: `production` is a way of building, too. */
  readonly passedOn: readonly string[];
}

/** What the calls and settings of a text choose: stacks, contexts, workspaces, subscriptions by name. In lower case. */
export function choices(text: string): Choices {
  const settings = MAY_SET.test(text) ? [...text.matchAll(SETTING)].map(([, value = ""]) => value) : [];
  const sections = text.includes("[") ? [...text.matchAll(SECTION)].map(([, name = ""]) => name) : [];
  const named = IS_COMMAND.test(text) ? toldTo(text) : [];
  if (!ANY_CALL.test(text)) return { told: settings, passedOn: [...sections, ...named] };
  const calls = text.match(TOOL_CALL) ?? [];
  return {
    told: [...settings, ...(IS_COMMAND.test(text) ? calls : calls.flatMap(chosen))],
    passedOn: [
      ...sections,
      ...named,
      ...(text.match(RUNNER_CALL) ?? []).flatMap(chosen),
      ...(text.match(CLIENT_CALL) ?? []).flatMap((call) =>
        [...call.matchAll(SERVICE)].map(([, service = ""]) => service),
      ),
    ],
  };
}

const chosen = (call: string): string[] =>
  [...call.matchAll(CHOICE)].map(([, option, word, value]) => option ?? word ?? value ?? "");

/** Code handed to where it is deployed from, and calls that start a forge's or a deliverer's runs. */
const HANDED_ON =
  /(?:^|[\s/;&|($"'`])git(?:\s+-[cC]\s*\S+|\s+--?[\w-]+(?:=\S+)?)*\s+push(?![\w.-])|\/(?:dispatches|actions\/workflows\/[^\s"'/]+\/dispatches|trigger\/pipeline|pipelines?\/\d+\/runs|_apis\/(?:pipelines|build)\/\S*|api\/v1\/applications\/[^\s"'/]+\/sync|buildwithparameters|webhooks\/(?:deploy|trigger)\S*)(?=[\s"'?]|$)/;

/** A word of each of them. */
const MAY_HAND_ON = /push|dispatches|pipeline|_apis|sync|buildwith|webhooks/;

/** An engine that is told to change what is declared elsewhere. */
const ENGINE =
  /(?:^|[\s/;&|($"'`])(?:pulumi|terraform|tofu|terragrunt|cdktf|azd)(?:[-/:@][\w./:@-]*)?["']?\s+(?:[^\n;|&]{0,200}[\s"'])?(?:up|update|apply|destroy|refresh|import|provision|deploy|watch|run-all)(?![\w.-])/;

/** Whether a text starts an engine of infrastructure, or has somebody else start one. In lower case. */
export const startsEngine = (text: string): boolean =>
  ENGINE.test(text) ||
  ((text.includes("git") || text.includes("/")) && MAY_HAND_ON.test(text) && HANDED_ON.test(text));

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

/**
 * The command line of a container, or of a list that is one, with its image before it, whose entry point may be the tool, and
 * its environment put in. Undefined when it calls no tool.
 */
export function commandLine(owner: object): Assembled | undefined {
  if (Array.isArray(owner)) {
    const [first] = owner as unknown[];
    if (typeof first !== "string" || !IS_PROGRAM.test(first)) return undefined;
    return { key: 0, text: `${COMMAND_MARK}${textsOf(owner).join(" ")}`, via: "joined" };
  }
  const { image, command, args, env } = owner as Record<string, unknown>;
  const parts = [...textsOf(command), ...textsOf(args)];
  if (parts.length === 0) return undefined;
  const isTool = typeof image === "string" && ANY_CALL.test(`${image} `);
  const text = `${COMMAND_MARK}${[...(isTool ? [image] : []), ...parts].join(" ")}`;
  if (!ANY_CALL.test(text) && textsOf(command).length === 0) return undefined;
  const variables = new Map(
    (Array.isArray(env) ? (env as unknown[]) : []).map((entry) => {
      const { name, value } = (entry ?? {}) as { name?: unknown; value?: unknown };
      return [name, typeof value === "string" ? value : undefined] as const;
    }),
  );
  return {
    key: textsOf(args).length > 0 ? "args" : "command",
    text: substituted(text, (name) => variables.get(name)),
    via: "joined",
  };
}

/** What a setting is called: `value` is beside its name. */
function settingName(key: string, owner: object): string {
  const { name } = owner as { name?: unknown };
  return key === "value" && typeof name === "string" ? name : key;
}

/** What a property says, by where it is. */
interface Said {
  readonly value: string;
  readonly owner: object;
  /** Name of the property; `value` where the setting's name is beside it. */
  readonly key: string;
  /** Name of the setting. */
  readonly called: string;
}

/** Host of a store that is named by its bare name. */
function storeHost(name: string, suffix: string): string | undefined {
  const store = canonical(opened(name)).trim();
  return /^[a-z0-9-]{3,24}$/.test(store) ? `${store}.${suffix}` : undefined;
}

/** What one object replaces by what, as a text that says it. */
function replacement({ value, owner }: Said): string | undefined {
  const { regex, match, pattern } = owner as Record<string, unknown>;
  const from = regex ?? match ?? (pattern as { regex?: unknown } | undefined)?.regex;
  return typeof from === "string" ? `s/${from}/${value}/` : undefined;
}

/** Whole name of a record in a public zone. Who writes at the top of a domain speaks for all hosts below it. */
function recordName({ value, owner }: Said): string | undefined {
  const { zoneName } = owner as { zoneName?: unknown };
  if (typeof zoneName !== "string") return undefined;
  return `${value.trim() === "@" ? "*" : value}.${zoneName}`;
}

/** A bucket and the folder in it, where one stands beside it. */
function bucketPath({ value, owner }: Said): string {
  const { prefix } = owner as { prefix?: unknown };
  return typeof prefix === "string" ? `s3://${value}/${prefix}` : `s3://${value}`;
}

const BLOBS = "blob.core.windows.net";

/** Settings that tools read, by name, and the text that says the same; undefined where it says nothing. */
const SETTINGS: readonly (readonly [name: RegExp, says: (said: Said) => string | undefined])[] = [
  [/^relativeRecordSetName$/, recordName],
  // A zone nobody delegates says nothing; one that is delegated speaks for all hosts below it.
  [/^zoneName$/, ({ value, owner }) => ("relativeRecordSetName" in owner ? undefined : `*.${value}`)],
  // A bucket has its owner's name wherever it is, and what is in it its folder's.
  [/^(?:[\w-]*[_-])?bucket(?:[_-]?name)?$|[a-z]Bucket(?:Name)?$/i, bucketPath],
  [SETTING_NAME, ({ called, value }) => `${called}=${value}`],
  // Properties of proxies that put a text in the place of what another one matches.
  [/^(?:substitution|replacement|rewrite)$/, replacement],
  [/^keyvaultname$/i, ({ value }) => storeHost(value, "vault.azure.net")],
  // Of a component; a backup vault of Azure's own types is called so as well.
  [/^vaultName$/, ({ key, value }) => (key === "value" ? storeHost(value, "vault.azure.net") : undefined)],
  [/^(?:storageAccount|AZURE_STORAGE_ACCOUNT(?:_NAME)?)$/, ({ value }) => storeHost(value, BLOBS)],
  [
    // The same of components, scalers and mounts; Azure's own types call an account of their group so.
    /^accountName$/,
    ({ key, value, owner }) => {
      const isMount = "shareName" in owner && !("resourceGroupName" in owner);
      return key === "value" || isMount || "blobContainerName" in owner ? storeHost(value, BLOBS) : undefined;
    },
  ],
];

const settingOf = (name: string) => SETTINGS.find(([names]) => names.test(name));

/** Whether a property of this name can be such a setting, whatever it holds. */
export const mayBeSetting = (key: string): boolean => key === "value" || settingOf(key) !== undefined;

/** A setting that tools read, as one text; undefined for others. */
export function toolSetting(key: string, value: unknown, owner: object): string | undefined {
  if (typeof value !== "string") return undefined;
  const called = settingName(key, owner);
  const [, says] = settingOf(called) ?? [];
  return says?.({ key, value, owner, called });
}
