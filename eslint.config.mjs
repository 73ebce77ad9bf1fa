import js from "@eslint/js";
import tseslint from "typescript-eslint";
import { publicFace } from "./eslint.faces.mjs";

/** Import patterns a folder must not use, with the reason a reader gets. */
const ban = (group, message) => ({ group, message });
/** The same for files of this repository: `@pulumi/kubernetes/apps` is none of ours. */
const banFiles = (folders, message) => ({ regex: `^\\.\\./(.*/)?(${folders.join("|")})(/|$)`, message });

const AZURE_ROOT = {
  paths: [
    {
      name: "@pulumi/azure-native",
      message:
        "Import a submodule (@pulumi/azure-native/storage): the root costs the compiler seconds and 400 MB.",
    },
  ],
};

const imports = (...patterns) => ({ "no-restricted-imports": ["error", { ...AZURE_ROOT, patterns }] });

const SANDBOX = banFiles(
  ["packages/emulated-azure", "packages/offline-engine", "packages/local-servers", "apps"],
  "The program never depends on what emulates the cloud.",
);
const UPWARD = "Packages are what the rooms above share: they know none of them; take it as an argument.";
/** Of the apps each knows those before it. The recovery runner, the first, knows none: it ships alone. */
const APPS = ["recovery", "operations", "tools", "gates", "rehearsal"];
const laterThan = (app) =>
  banFiles(
    APPS.slice(APPS.indexOf(app) + 1),
    `Of the apps (${APPS.join(", ")}) each knows those before it only.`,
  );
const PULUMI = ban(["@pulumi/*", "@pulumi/**"], "Rules are pure functions: the pack adapts them to Pulumi.");
const IN_PROCESS = ban(
  [
    "pg",
    "http",
    "https",
    "net",
    "tls",
    "dgram",
    "child_process",
    "worker_threads",
    "node:http",
    "node:https",
    "node:net",
    "node:tls",
    "node:dgram",
    "node:child_process",
    "node:worker_threads",
    "@azure/*",
  ],
  "The program declares resources; what it did itself no policy, preview or plan could see.",
);

/** Ways a program reaches what it does not declare: no policy pack is ever shown them. */
const UNSEEN = [
  {
    selector: "CallExpression[callee.property.name='get'][callee.object.name=/^[A-Z]/]",
    message: "Resource.get() reads what another stack owns, and no policy sees it.",
  },
  {
    selector: "CallExpression[callee.property.name='get'][callee.object.property.name=/^[A-Z]/]",
    message: "Resource.get() reads what another stack owns, and no policy sees it.",
  },
  {
    selector:
      "NewExpression[callee.name='StackReference'], NewExpression[callee.property.name='StackReference']",
    message: "A stack reference brings another stack's outputs, secrets included, past every policy.",
  },
  {
    selector: "MemberExpression[object.name='pulumi'][property.name='dynamic']",
    message: "A dynamic resource runs code no policy sees.",
  },
  {
    selector: "CallExpression[callee.name='fetch']",
    message: "The program declares resources and fetches nothing.",
  },
];

const BORN_IN_APPLY = {
  selector:
    "CallExpression[callee.property.name='apply'] NewExpression[callee.name!=/^(Error|RangeError|Date|URL|Map|Set)$/]",
  message: "A resource made inside apply is missing from previews.",
};

const PULUMI_CONFIG = {
  selector: "NewExpression[callee.property.name='Config'], NewExpression[callee.name='Config']",
  message: "Only stacks/config.ts reads the configuration; take plain arguments.",
};

const POLICY_PACK = {
  selector: "NewExpression[callee.name='PolicyPack'], NewExpression[callee.property.name='PolicyPack']",
  message: "Only policies/index.ts constructs the pack: doing so starts a server.",
};

const STACK_NAMES = {
  selector: "Literal[value=/^(prod|production|staging|stg)$/]",
  message: "A component knows no stack's name: take the value that differs as an argument.",
};

const syntax = (...rules) => ({ "no-restricted-syntax": ["error", ...rules] });

export default tseslint.config(
  { ignores: ["node_modules", "**/.build", "policies/bin", "coverage"] },
  {
    files: ["**/*.{js,cjs,mjs}"],
    ...js.configs.recommended,
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        module: "writable",
        require: "readonly",
        __dirname: "readonly",
      },
    },
  },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, ...tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Types are tsc's business.
      "no-undef": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-base-to-string": "error",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true, allowNullish: false },
      ],
      // Ways through one function: what has more is several.
      complexity: ["error", 24],
      // Arguments told apart by their place alone: what takes more takes them by name.
      "max-params": ["error", { max: 6 }],
      ...imports(),
      ...syntax(PULUMI_CONFIG, POLICY_PACK),
    },
  },
  {
    files: ["infra/**/*.ts"],
    rules: {
      "no-console": "error",
      "no-restricted-globals": [
        "error",
        { name: "process", message: "Components read no environment; take an argument." },
      ],
      ...imports(
        SANDBOX,
        IN_PROCESS,
        banFiles(
          ["stacks", "policies", "packages/isolation"],
          "Components know neither stacks nor policies nor the runner.",
        ),
      ),
      ...syntax(PULUMI_CONFIG, POLICY_PACK, BORN_IN_APPLY, STACK_NAMES, ...UNSEEN),
    },
  },
  {
    files: ["stacks/**/*.ts"],
    rules: {
      ...imports(SANDBOX, IN_PROCESS, banFiles(["policies", "apps"], "The program stands alone.")),
      ...syntax(PULUMI_CONFIG, POLICY_PACK, BORN_IN_APPLY, ...UNSEEN),
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // A case of a table has as many arguments as the table has columns.
      "max-params": "off",
      // Plans and API answers are loose JSON, and a missing value is what an assertion is there to show.
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "Draw from test/support/random.ts: it comes again." },
      ],
      ...imports(ban(["fast-check"], "Import test/support/property.ts: what it draws comes again.")),
    },
  },
  {
    files: ["test/support/property.ts"],
    rules: imports(),
  },
  {
    // Tests look inside what they test.
    files: ["{apps,packages,infra,stacks,policies}/**/*.ts"],
    plugins: { packages: { rules: { "public-face": publicFace } } },
    rules: { "packages/public-face": "error" },
  },
  { files: ["stacks/config.ts"], rules: syntax(POLICY_PACK, BORN_IN_APPLY, ...UNSEEN) },
  {
    files: ["policies/**/*.ts"],
    rules: imports(SANDBOX, banFiles(["apps"], "Policies judge declarations, not the runner.")),
  },
  {
    files: ["policies/rules/**/*.ts", "policies/arm/**/*.ts"],
    rules: imports(PULUMI, SANDBOX, banFiles(["apps"], "Policies judge declarations, not the runner.")),
  },
  { files: ["policies/index.ts"], rules: syntax(PULUMI_CONFIG) },
  {
    files: ["packages/**/*.ts"],
    rules: imports(banFiles(["apps", "infra", "stacks", "policies"], UPWARD)),
  },
  {
    files: ["packages/{isolation,alerting,azure-facts}/**/*.ts"],
    rules: imports(PULUMI, SANDBOX, banFiles(["apps", "infra", "stacks", "policies"], UPWARD)),
  },
  {
    files: ["packages/emulated-azure/**/*.ts"],
    rules: imports(banFiles(["apps", "infra", "stacks", "policies", "(packages/)?offline-engine"], UPWARD)),
  },
  ...["operations", "tools", "gates"].map((app) => ({
    files: [`apps/${app}/**/*.ts`],
    rules: imports(laterThan(app)),
  })),
  {
    files: ["apps/recovery/**/*.ts"],
    rules: imports(
      PULUMI,
      laterThan("recovery"),
      banFiles(
        ["infra", "stacks", "policies", "packages/(?!command|programs)[\\w-]+"],
        "The runner ships alone in its image: everything it needs comes by environment and flags.",
      ),
    ),
  },
);
