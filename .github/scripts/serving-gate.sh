#!/usr/bin/env bash
# Asks whether an update may run now: serving-gate.sh <stack>. The lease of the operations lies in accounts that answer
# private endpoints only, which no runner has: the question goes through the operator's pod where nodes run already.
set -euo pipefail
stack=$1
serving=$(node -p "
  const regions = require('js-yaml').load(require('fs').readFileSync('Pulumi.$stack.yaml', 'utf8')).config['forma3d:regions'];
  Object.values(regions).find(({ role }) => role === 'serving').location")
# The pod's way is kubectl's; the gate itself finds the clusters as it does on any machine.
bash .github/scripts/clusters-answer.sh "$stack" \
  npm run -s operations -- reach "$stack" --through "$serving" -- \
  env -u KUBECONFIG npm run -s gate -- serving "$stack"
