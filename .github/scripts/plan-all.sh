#!/usr/bin/env bash
# Plans every stack offline and compares it with a base commit: plan-all.sh <commit> <folder>. What is found is printed
# and written to comment.md, and for each stack to a page, plan-<stack>.html; a stack that fails does not hide the next, and fails the script in the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=$1 out=$2 failed=()
mkdir -p "$out"
one() {
  local stack=$1 status=0
  git show "$base:test/expected/$stack.json" >"$out/base-$stack.json" 2>/dev/null || echo '{"resources":[]}' >"$out/base-$stack.json"
  echo "### $stack"
  echo '```'
  npm run -s plan -- "$stack" --save "$out/$stack.json" --sarif "$out/$stack.sarif" --html "$out/plan-$stack.html" --diff "$out/base-$stack.json" --quiet 2>&1 || status=$?
  echo '```'
  if [ -s "$out/$stack.json" ]; then
    npm run -s cost -- "$stack" --plan "$out/$stack.json" --diff "$out/base-$stack.json" 2>&1 || status=$?
  fi
  return "$status"
}
echo "## Offline plan" | tee "$out/comment.md"
for file in Pulumi.*.yaml; do
  stack=${file#Pulumi.} stack=${stack%.yaml}
  if one "$stack" >"$out/$stack.md"; then :; else failed+=("$stack"); fi
  tee --append "$out/comment.md" <"$out/$stack.md"
done
[ "${#failed[@]}" -eq 0 ] || { echo "error: the plan of ${failed[*]} failed" >&2; exit 1; }
