#!/usr/bin/env bash
# Plans every stack with the newest release of Pulumi's packages and says what these change: plan-newest.sh <folder>.
# Fails when one of them cannot plan, or plans anything else than test/expected/. package.json and the lock stay as they are.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1
versions() { node -p 'const { dependencies } = require("./package.json"); Object.keys(dependencies).filter((name) => name.startsWith("@pulumi/")).map((name) => `${name} ${require(`./node_modules/${name}/package.json`).version}`).join("\n")'; }
mkdir -p "$out"
versions >"$out/pinned"
mapfile -t names < <(cut -d' ' -f1 "$out/pinned")
npm install --no-save --ignore-scripts --no-audit --no-fund "${names[@]/%/@latest}"
versions >"$out/newest"
npm run -s policy:build
status=0
bash .github/scripts/plan-all.sh HEAD "$out" || status=1
{
  echo "## Pulumi's packages, pinned and newest"
  echo '```'
  diff "$out/pinned" "$out/newest" && echo "pinned are the newest: $(paste -sd, "$out/newest")"
  echo '```'
  cat "$out/comment.md"
} >"$out/summary.md"
cat "$out/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
for file in test/expected/*.json; do
  cmp --silent "$file" "$out/${file##*/}" || { echo "error: ${file##*/} differs from $file" >&2; status=1; }
done
exit "$status"
