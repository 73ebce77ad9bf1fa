#!/usr/bin/env bash
# Copies a stack's state to another backend, its secrets encrypted with that one's key: copy-state.sh <stack> [project folder].
# Needs PULUMI_BACKEND_URL, COPY_BACKEND_URL and COPY_SECRETS_PROVIDER. What is decrypted goes from one program to the
# next and never to a file; a copy that cannot be read back fails the run.
set -euo pipefail
stack=$1 project=$(cd "${2:-.}" && pwd)
: "${PULUMI_BACKEND_URL:?}" "${COPY_BACKEND_URL:?}" "${COPY_SECRETS_PROVIDER:?}"
[ "$PULUMI_BACKEND_URL" != "$COPY_BACKEND_URL" ] || { echo "error: there is no second copy while the state is $COPY_BACKEND_URL itself" >&2; exit 1; }
name=$(sed -n 's/^name: *//p' "$project/Pulumi.yaml")
full="organization/$name/$stack"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'name: %s\nruntime: nodejs\n' "$name" >"$work/Pulumi.yaml"
copy() { PULUMI_BACKEND_URL=$COPY_BACKEND_URL pulumi -C "$work" "$@"; }

# How a state's own secrets are encrypted stands in it; the engine wants the same in a stack file.
settings() {
  node -e '
    const { type, state } = JSON.parse(require("fs").readFileSync(0, "utf8")).deployment.secrets_providers ?? {};
    if (type === "cloud") console.log(`secretsprovider: ${state.url}\nencryptedkey: ${state.encryptedkey}`);
    else if (type === "passphrase") console.log(`encryptionsalt: ${state.salt}`);'
}
if copy stack export --stack "$full" >"$work/earlier" 2>/dev/null; then
  settings <"$work/earlier" >"$work/Pulumi.$stack.yaml"
else
  copy stack init "$full" --secrets-provider "$COPY_SECRETS_PROVIDER" >/dev/null
fi
# An import keeps the key the state names, so the state names the copy's.
rekeyed() {
  node -e '
    const fs = require("fs");
    const said = Object.fromEntries([...fs.readFileSync(process.argv[1], "utf8").matchAll(/^(\w+): *(\S+)$/gm)].map(([, key, value]) => [key, value]));
    const state = JSON.parse(fs.readFileSync(0, "utf8"));
    state.deployment.secrets_providers = said.encryptedkey
      ? { type: "cloud", state: { url: said.secretsprovider, encryptedkey: said.encryptedkey } }
      : { type: "passphrase", state: { salt: said.encryptionsalt } };
    process.stdout.write(JSON.stringify(state));' "$work/Pulumi.$stack.yaml"
}
pulumi -C "$project" stack export --stack "$full" --show-secrets | rekeyed | copy stack import --stack "$full"
resources() { node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).deployment.resources.map(({ urn }) => urn).join("\n")'; }
pulumi -C "$project" stack export --stack "$full" | resources >"$work/had"
# With its secrets, or a key that opens nothing would be found on the day it is needed.
copy stack export --stack "$full" --show-secrets | resources >"$work/has"
cmp --silent "$work/had" "$work/has" || { echo "error: the copy of $full is not what was copied" >&2; exit 1; }
echo "$full: $(wc -l <"$work/has") resources copied"
