#!/usr/bin/env bash
# Keeps one issue per stack about drift: opened when there is some, told the latest, closed when it has gone:
# drift-issue.sh <stack> <success|failure|cancelled> <address of the run> <what was found>.
set -euo pipefail
stack=$1 outcome=$2 run=$3 report=$4
title="Drift in $stack"
number=$(gh issue list --state open --label drift --limit 200 --json number,title \
  --jq "[.[] | select(.title == \"$title\")][0].number // empty")
body=$(mktemp)
trap 'rm -f "$body"' EXIT
case $outcome in
success)
  [ -n "$number" ] || exit 0
  gh issue close "$number" --comment "Nothing has moved away from its declaration any more: $run"
  ;;
failure)
  { echo "$run"; echo '```'; tail -c 6000 "$report" 2>/dev/null || echo "nothing was looked at"; echo '```'; } >"$body"
  # The body is replaced: whoever opens the issue sees today's drift, and nobody is written to daily.
  if [ -n "$number" ]; then gh issue edit "$number" --body-file "$body"; else
    # GitHub refuses an issue with a label that the repository does not have.
    gh label create drift --description "What is deployed has moved away from its declaration" --force
    gh issue create --title "$title" --label drift --body-file "$body"
  fi
  ;;
*) ;;
esac
