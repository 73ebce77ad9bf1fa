#!/usr/bin/env bash
# Lets a project go on with a copied state: use-copied-state.sh <stack> [project folder]. PULUMI_BACKEND_URL names the
# backend of the copy. The stack file gets the key the copy is encrypted with in place of the other one's. Values that
# `pulumi config set --secret` put there are encrypted with the lost key: they are taken out and named.
set -euo pipefail
stack=$1 project=$(cd "${2:-.}" && pwd)
: "${PULUMI_BACKEND_URL:?}"
name=$(sed -n 's/^name: *//p' "$project/Pulumi.yaml")
file="$project/Pulumi.$stack.yaml"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'name: %s\nruntime: nodejs\n' "$name" >"$work/Pulumi.yaml"
pulumi -C "$work" stack export --stack "organization/$name/$stack" >"$work/state"
node -e '
  const fs = require("fs");
  const [state, file] = process.argv.slice(1);
  const { type, state: how } = JSON.parse(fs.readFileSync(state, "utf8")).deployment.secrets_providers ?? {};
  const own = type === "cloud"
    ? [`secretsprovider: ${how.url}`, `encryptedkey: ${how.encryptedkey}`]
    : type === "passphrase" ? [`encryptionsalt: ${how.salt}`] : [];
  if (own.length === 0) throw new Error(`the state does not say how its secrets are encrypted`);
  const lines = fs.readFileSync(file, "utf8").split("\n").filter((line) => !/^(secretsprovider|encryptedkey|encryptionsalt):/.test(line));
  // A key of the configuration with all below it, up to the next one.
  const blocks = [];
  for (const line of lines) {
    if (/^ {0,2}\S/.test(line) || blocks.length === 0) blocks.push([line]);
    else blocks.at(-1).push(line);
  }
  const sealed = blocks.filter((block) => block.some((line) => /^\s*(- )?secure:/.test(line)));
  for (const [key] of sealed) console.log(`set again: ${key.trim().replace(/:$/, "")}`);
  fs.writeFileSync(file, [...own, ...blocks.filter((block) => !sealed.includes(block)).flat()].join("\n"));' "$work/state" "$file"
echo "$file names the key of the copy; commit it"
