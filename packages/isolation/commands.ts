import type { Assembled } from "./siblings";
import { substituted } from "./text";

/** Programs that act on whatever environment they are told: engines, clients of clusters and clouds, stores of secrets. */
const TOOLS =
  "pulumi|terraform|tofu|terragrunt|cdktf|kubectl|kubectx|kubie|oc|helm|helmfile|flux|argocd|skaffold|az|azd|gh|glab|ansible(?:-playbook)?|vault|doppler|infisical|chamber|sops";
const TOOL = new RegExp(String.raw`(?:^|[\s/;&|($"'\x60])(?:${TOOLS})(?![\w.])`, "i");
/** A call with what follows it on its line. */
const CALL = new RegExp(
  String.raw`(?:^|[\s/;&|($"'\x60])(?:${TOOLS})(?![\w.])(?:\\\r?\n|[^\n;|&]){0,500}`,
  "g",
);
/** Options that say on which environment a tool acts. */
const OPTION =
  /\s(?:-s|-e|-f|--(?:stack|context|kube-?context|subscription|environment|env|workspace|profile|cluster|cluster-name|stage|target|config|config-env|var-file|values|ref|name))(?:\s*=\s*|\s+)["']?([\w./@:=-]+)/g;
/** A subscription may be called by several words. */
const SUBSCRIPTION = /\s--subscription(?:\s*=\s*|\s+)["']?((?:[\w.@-]+\s*){1,6}?)(?=["']|\s-|$)/g;
const WORDS =
  /\b(?:select|switch|use|use-context|set-context|activate|kubectx)\s+["']?([\w./@-]+)|\b(?:env|environment|stack|stage|workspace|context|target)\s*=\s*["']?([\w./-]+)/g;
/** Settings from which tools take the same. */
const SETTING =
  /\b(?:pulumi_stack(?:_name)?|tf_workspace|tf_var_(?:env|environment|stage)|(?:helm_)?kube_?context|azure_env_name|azure_subscription(?:_name)?|arm_subscription_name|aws_profile|doppler_(?:config|environment)|infisical_env(?:ironment)?)["']?\s*[=:]\s*["']?([\w./-]+)/g;
const SETTING_NAME =
  /^(?:pulumi_stack|tf_workspace|tf_var_|(?:helm_)?kube_?context|azure_env_name|azure_subscription|arm_subscription_name|aws_profile|doppler_|infisical_env)/i;

/** What the calls and settings of a text choose: stacks, contexts, workspaces, subscriptions by name. In lower case. */
export function choices(text: string): string[] {
  const settings = [...text.matchAll(SETTING)].map(([, value = ""]) => value);
  if (!TOOL.test(text)) return settings;
  const calls = text.match(CALL) ?? [];
  return [
    ...settings,
    ...calls.flatMap((call) => [
      ...[...call.matchAll(SUBSCRIPTION)].map(([, value = ""]) => value),
      ...[...call.matchAll(OPTION)].map(([, value = ""]) => value),
      ...[...call.matchAll(WORDS)].map(([, word, value]) => word ?? value ?? ""),
    ]),
  ];
}

/** An engine that is told to change what is declared elsewhere. */
const ENGINE =
  /(?:^|[\s/;&|($"'`])(?:pulumi|terraform|tofu|terragrunt|cdktf|azd)(?:[-/:@][\w./:@-]*)?["']?\s+(?:[^\n;|&]{0,200}\s)?(?:up|update|apply|destroy|refresh|import|provision|deploy|watch|run-all)(?![\w.-])/;

/** Whether a text starts an engine of infrastructure. In lower case. */
export const startsEngine = (text: string): boolean => ENGINE.test(text);

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

/**
 * The command line of a container, or of a list that is one, with its image before it, whose entry point may be the tool, and
 * its environment put in. Undefined when it calls no tool.
 */
export function commandLine(owner: object): Assembled | undefined {
  if (Array.isArray(owner)) {
    const [first] = owner as unknown[];
    if (typeof first !== "string" || !TOOL.test(first)) return undefined;
    return { key: 0, text: textsOf(owner).join(" "), via: "joined" };
  }
  const { image, command, args, env } = owner as Record<string, unknown>;
  const parts = [...textsOf(command), ...textsOf(args)];
  if (parts.length === 0) return undefined;
  const text = [...(typeof image === "string" ? [image] : []), ...parts].join(" ");
  if (!TOOL.test(text)) return undefined;
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

/** A setting that tools read, as one text; undefined for others. */
export function toolSetting(key: string, value: unknown, owner: object): string | undefined {
  if (typeof value !== "string") return undefined;
  if (SETTING_NAME.test(key)) return `${key}=${value}`;
  const { name } = owner as { name?: unknown };
  return key === "value" && typeof name === "string" && SETTING_NAME.test(name)
    ? `${name}=${value}`
    : undefined;
}
