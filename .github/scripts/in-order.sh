#!/usr/bin/env bash
# Fails where this commit is older than what the stack was last updated to: in-order.sh <stack>. GitHub keeps no order
# within a concurrency group, and any old run can be started again. What was last updated to is the engine's own record,
# updates by hand included.
set -euo pipefail
stack=$1
if [ "$(git rev-parse --is-shallow-repository)" != false ]; then
  echo "error: the checkout has no history to compare with: fetch-depth 0" >&2
  exit 1
fi
last=$(pulumi stack history --json --page-size 100 --stack "organization/forma3d/$stack" | node -p '
  JSON.parse(fs.readFileSync(0, "utf8"))
    .filter(({ kind }) => kind === "update")
    .map(({ environment }) => environment?.["git.head"])
    .find((head) => head !== undefined) ?? ""')
here=$(git rev-parse HEAD)
if [ -z "$last" ]; then
  echo "no update of $stack is recorded yet"
elif ! git cat-file -e "$last^{commit}" 2>/dev/null; then
  echo "::warning::the last update of $stack was to $last, which this branch has not: what only that has is undone"
elif [ "$last" != "$here" ] && git merge-base --is-ancestor "$here" "$last"; then
  echo "error: $stack was updated to $last already, which is newer than $here; to go back, revert what is wrong in a commit" >&2
  exit 1
else
  echo "$stack was last updated to $last"
fi
