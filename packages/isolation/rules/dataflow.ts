import {
  UNKNOWN,
  type Context,
  type ResourceView,
  type StackView,
  type Value,
  type Violation,
} from "../rule";
import { STACK_TYPE } from "../../wire/urn";
import { decodings } from "../decode";
import { azure, CLUSTER, SERVER, VIRTUAL_ENDPOINT } from "../kinds";
import { EXECUTABLE } from "./escapeHatches";
import { resourceRule, stackRule } from "./metadata";

/** An update knows everything it is about to do; what it does not know is refused. */
export const unknownRule = resourceRule({
  id: "ISO-060",
  name: "no-unknowns-at-update",
  title: "Nothing is unknown during an update",
  description:
    "During an update every input of a resource, and every setting of its provider, is known before the resource is touched.",
  why: "A value nobody has seen cannot be judged; passing it would make every other rule optional.",
  remediation: "Deploy what the value comes from first, or pass it by an output of a resource in this stack.",
  url: "https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
  appliesTo: "any",
  check: (resource, context) =>
    context.isDryRun
      ? []
      : resource.unknownPaths.map((path) => ({
          path,
          message: "is still unknown during the update, so it cannot be judged",
        })),
});

/** Numbers, places and versions that autoscalers and Azure itself move. None of them leads anywhere. */
const MOVED =
  /(?:^|\.)(?:replicas|count|capacity|minCount|maxCount|nodeCount|instanceCount|size|storageSizeGB|diskSizeGB|iops|throughput|zone|zones|availabilityZone|standbyAvailabilityZone|kubernetesVersion|orchestratorVersion|currentKubernetesVersion|nodeImageVersion|version|minorVersion|grafanaMajorVersion|etag|provisioningState|resourceVersion|generation|caBundle|clusterIP|clusterIPs|nodePort|healthCheckNodePort|lastModified\w*|createdAt|autoscalerProfile|upgradeSettings)(?:\[[^\]]*\])*$|^(?:tags(?:\..*)?|status|metadata\.(?:finalizers|managedFields|generation|annotations\["(?:kubectl\.kubernetes\.io\/restartedAt|deployment\.kubernetes\.io\/revision)"\]))$/;
/** Where programs keep their data: a key called `version` there is as good a place for a host as any other. */
const DATA =
  /(?:^|\.)(?:data|stringData|binaryData|values|env|envFrom|args|command|appSettings|parameters|template\.metadata|containers|initContainers|volumes)(?:[.[]|$)/;
/** What one type has besides, because Azure or another resource of the program writes it. */
const MOVED_OF: readonly (readonly [RegExp, RegExp])[] = [
  [SERVER, /^(?:sourceServerResourceId|replicationRole|pointInTimeUTC|storage\.tier)$/],
  [VIRTUAL_ENDPOINT, /^members$/],
  [azure("network", "VirtualNetwork"), /^subnets$/],
  [CLUSTER, /^agentPoolProfiles$/],
  [azure("app", "ContainerApp"), /^configuration\.ingress\.customDomains$/],
  // Azure moves no group; where it is does not lead anywhere.
  [azure("resources", "ResourceGroup"), /^location$/],
];

const isMoved = (type: string, path: string): boolean =>
  (MOVED.test(path) && !DATA.test(path)) || MOVED_OF.some(([of, paths]) => of.test(type) && paths.test(path));

/** Types of which all may be left alone: a database server that is lost or follows another, and who is told of alerts. */
const LEFT_ALONE = [SERVER, azure("(?:monitor|insights)", "ActionGroup")];

/**
 * What nothing at all is sent to, as it is lost or follows another: Azure lets nobody change a replica, nor what lies in a
 * group whose region does not answer. What it was last sent is what it has, and was judged then.
 */
function isLeftAlone({ type, opts }: ResourceView): boolean {
  return (
    LEFT_ALONE.some((of) => of.test(type)) && opts.ignoreChanges.length === 1 && opts.ignoreChanges[0] === "*"
  );
}

function ignored(resource: ResourceView): Violation[] {
  const isProvider = resource.type.startsWith("pulumi:providers:");
  const isCustom = isProvider || /^(?:azure-native|kubernetes)/.test(resource.type);
  if (!isCustom) return [];
  if (isLeftAlone(resource)) return [];
  return resource.opts.ignoreChanges
    .filter((path) => isProvider || !isMoved(resource.type, path))
    .map((path) => ({
      path,
      message: "is ignored, so rules see the old value while the resource holds another",
    }));
}

/** A change that is ignored is a change nobody judges. */
export const ignoredChangesRule = resourceRule({
  id: "ISO-061",
  name: "no-ignored-connections",
  title: "Only what others move by themselves is ignored",
  description:
    "`ignoreChanges` names nothing but sizes, counts, zones, versions, what Azure reports by itself and where a resource group was made, or all of a database server that follows another and of an action group whose region is lost; never data, hosts, rules, rights or protection, and nothing at all of a provider.",
  why: "With it the plan shows the old, innocent value for ever.",
  remediation: "Remove the path from ignoreChanges; for a value that rotates, refer to the vault instead.",
  url: "https://www.pulumi.com/docs/iac/concepts/resources/options/ignorechanges/",
  appliesTo: "any",
  check: ignored,
});

function holdsUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).some((inner: Value) => holdsUnknown(inner))
  );
}

function laundered(stack: StackView): Violation[] {
  return stack.resources.flatMap((resource) =>
    Object.entries(resource.propertyDependencies).flatMap(([path, urns]): Violation[] => {
      if (!holdsUnknown(resource.props[path])) return [];
      const fromCode = urns.some((urn) => EXECUTABLE.test(stack.byUrn.get(urn)?.type ?? ""));
      return fromCode
        ? [
            {
              urn: resource.urn,
              path,
              message: "is computed by code during the update, so no preview can judge it",
            },
          ]
        : [];
    }),
  );
}

/** Values made by code at the last moment. */
export const launderedRule = stackRule({
  id: "ISO-062",
  name: "no-laundered-values",
  title: "Outside prod, no value is computed by code during the update",
  description: "No unknown value depends on a command or dynamic resource.",
  why: "A script can print a production host only when it is too late for the preview.",
  remediation: "Compute the value in the program from inputs the plan shows.",
  url: "https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
  appliesTo: "nonProd",
  check: laundered,
});

/** Kinds and types whose values programs connect with. */
const SINKS =
  /^kubernetes[^:]*:[^:]*:(?:Secret|ConfigMap|Deployment|StatefulSet|DaemonSet|Job|CronJob|Pod)(?:Patch)?$|^azure-native[^:]*:keyvault[^:]*:Secret$|^azure-native[^:]*:dbforpostgresql[^:]*:/;

function fromOutside(stack: StackView): Violation[] {
  return stack.resources
    .filter(({ type }) => SINKS.test(type))
    .flatMap((resource) =>
      Object.entries(resource.propertyDependencies)
        .filter(([, urns]) => urns.length === 0)
        .map(([path]): Violation => ({
          urn: resource.urn,
          path,
          message:
            "comes only from a read resource or another stack, which no policy is shown; gates G2 and G4 judge those",
        })),
    );
}

/** What was read from outside, as far as its trace goes. */
export const outsideOriginRule = stackRule({
  id: "ISO-063",
  name: "outside-origin",
  title: "Connection data does not come from outside the stack",
  description:
    "Reports properties of configuration, workloads and secrets that depend on nothing but reads and stack references.",
  why: "Reads and stack references never reach a policy; a password taken from one carries no name to recognise.",
  remediation: "Take the value from a resource of this stack. Reads that are meant are waived in the gates.",
  url: "https://github.com/pulumi/pulumi/issues/3950",
  appliesTo: "nonProd",
  level: "advisory",
  severity: "medium",
  check: fromOutside,
});

/** Texts that let in whoever holds them. */
const CREDENTIAL =
  /\b[a-z][a-z0-9+]{0,30}:\/\/[^\s:/@]{1,200}:[^\s@/]{1,500}@|accountkey\s*=|sharedaccesskey\s*=|\bpassword\s*=\s*[^\s;]+|[?&]sig=[\w%]+|-----begin [a-z ]*private key|client-key-data|"?(?:client_secret|private_key)"?\s*[:=]/i;
const CREDENTIAL_RESOURCES = /^random[^:]*:[^:]*:RandomPassword$|^azure-native[^:]*:keyvault[^:]*:Secret$/;

/** A key of a storage account, Service Bus or the like: 64 random bytes in base64. */
const ACCOUNT_KEY = /(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])[A-Za-z0-9+/]{86}==/;
/** A signed token: header and claims are JSON, so both begin alike. */
const TOKEN = /\beyJ[\w-]{8,}\.eyJ[\w-]{4,}\./;
/** Most steps an output is decoded, and most texts looked at on the way. */
const MAX_DECODING_STEPS = 4;
const MAX_DECODED_TEXTS = 2_000;

/** Why a text lets in whoever holds it: the steps it was decoded by; undefined when it does not. */
function credentialIn(text: string, secrets: ReadonlySet<string>): readonly string[] | undefined {
  const pending: { text: string; decoding: readonly string[] }[] = [{ text, decoding: [] }];
  const seen = new Set<string>();
  for (let step = pending.shift(); step && seen.size < MAX_DECODED_TEXTS; step = pending.shift()) {
    if (seen.has(step.text)) continue;
    seen.add(step.text);
    const { text: plain, decoding } = step;
    if (CREDENTIAL.test(plain) || ACCOUNT_KEY.test(plain) || TOKEN.test(plain)) return decoding;
    for (const secret of secrets) if (plain.includes(secret)) return decoding;
    if (decoding.length >= MAX_DECODING_STEPS) continue;
    for (const next of decodings(plain)) {
      const chain = [...decoding, next.via];
      if ("text" in next) pending.push({ text: next.text, decoding: chain });
      else if ("tree" in next) {
        for (const leaf of textsOf(next.tree as Value, "")) {
          pending.push({ text: leaf.text, decoding: chain });
        }
      }
    }
  }
  return undefined;
}

function* textsOf(value: Value | undefined, path: string): Generator<{ path: string; text: string }> {
  if (typeof value === "string") yield { path, text: value };
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value) as [string, Value][]) {
      yield* textsOf(inner, Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
    }
  }
}

function generatedSecrets(stack: StackView): Set<string> {
  const secrets = stack.resources
    .filter(({ type }) => CREDENTIAL_RESOURCES.test(type))
    .flatMap(({ props }) => [props.result, (props.properties as { value?: Value } | undefined)?.value]);
  return new Set(secrets.filter((value): value is string => typeof value === "string" && value.length >= 8));
}

function exported(stack: StackView): Violation[] {
  const secrets = generatedSecrets(stack);
  return stack.resources
    .filter(({ type }) => type === STACK_TYPE)
    .flatMap((root) =>
      [...textsOf(root.props, "")].flatMap(({ path, text }): Violation[] => {
        const decoding = credentialIn(text, secrets);
        return decoding === undefined
          ? []
          : [
              {
                urn: root.urn,
                path,
                decoding,
                message:
                  "exports a credential, which every stack reference gets in clear text; export the name of the vault secret",
              },
            ];
      }),
    );
}

/** What prod exports, every stack that may reference it can read. */
export const exportedCredentialRule = stackRule({
  id: "ISO-064",
  name: "no-exported-credentials",
  title: "Prod exports no credentials",
  description:
    "No output of the prod stack is a credential (a connection string, private key, account key or signed token) or contains a secret the stack generated, in any encoding, marked secret or not.",
  why: "A stack reference hands out secret outputs in clear text, past every network and role.",
  remediation: "Export the secret's name; readers take the value from the vault with their own identity.",
  url: "https://www.pulumi.com/docs/iac/concepts/secrets/",
  appliesTo: "prod",
  mcsb: ["IM-8"],
  check: exported,
});

/** A stack nobody listed has nothing of its own. */
export const unlistedStackRule = resourceRule({
  id: "ISO-000",
  name: "listed-stack",
  title: "The stack is in the inventory",
  description:
    "The stack has a stack file in this project, or an entry in policies/inventory.yaml, by exact project and stack name.",
  why: "A stack that is not listed is judged as non-production with nothing of its own, whatever it is called.",
  remediation: "Add Pulumi.<stack>.yaml to the project, or the stack to policies/inventory.yaml.",
  url: "https://www.pulumi.com/docs/iac/concepts/stacks/",
  appliesTo: "any",
  level: "advisory",
  severity: "low",
  types: [STACK_TYPE],
  check: (_, context: Context) =>
    context.inventory.environments.some(({ stacks }) =>
      stacks.includes(`${context.project}/${context.stack}`),
    )
      ? []
      : [
          {
            path: "",
            message: "is not in the inventory, so it is judged as non-production with nothing of its own",
          },
        ],
});
