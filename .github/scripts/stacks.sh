#!/usr/bin/env bash
# Prints the stacks of this project as outputs of a workflow's step: all of them, production's, and the others.
# A stack is what has a file; production is the one called prod, as its file must say too.
set -euo pipefail
cd "$(dirname "$0")/../.."
all=() prod=() other=()
for file in Pulumi.*.yaml; do
  stack=${file#Pulumi.} stack=${stack%.yaml}
  all+=("$stack")
  if [ "$stack" = prod ]; then prod+=("$stack"); else other+=("$stack"); fi
done
list() { printf '%s=[' "$1"; shift; [ $# -eq 0 ] || printf '"%s"' "$1"; shift || true; [ $# -eq 0 ] || printf ',"%s"' "$@"; printf ']\n'; }
list all "${all[@]}"
list prod "${prod[@]}"
list other "${other[@]}"
