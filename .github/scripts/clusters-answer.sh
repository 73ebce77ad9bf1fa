#!/usr/bin/env bash
# Fails unless the API server of every region that computes answers from this machine. The Kubernetes provider takes
# what it cannot reach for gone (deleteUnreachable, for a lost region), so an update must not begin without.
set -euo pipefail
stack=$1
active=$(node -p "
  const regions = require('js-yaml').load(require('fs').readFileSync('Pulumi.$stack.yaml', 'utf8')).config['forma3d:regions'];
  [regions.primaryActive !== false && 'primary', regions.secondaryActive && 'secondary'].filter(Boolean).join(' ')")
outputs=$(pulumi stack output regions --json --stack "organization/forma3d/$stack")
export KUBECONFIG="${RUNNER_TEMP:-/tmp}/clusters-answer.kubeconfig"
trap 'rm -f "$KUBECONFIG"' EXIT
for place in $active; do
  read -r group cluster < <(node -p "const { resourceGroup, cluster } = JSON.parse(process.argv[1])['$place']; resourceGroup + ' ' + cluster" "$outputs")
  # A region that is to compute for the first time has no cluster yet.
  if [ -z "$(az aks list --resource-group "$group" --query "[?name=='$cluster'].name" --output tsv)" ]; then
    echo "$cluster does not exist yet"
    continue
  fi
  az aks get-credentials --resource-group "$group" --name "$cluster" --overwrite-existing --only-show-errors
  kubelogin convert-kubeconfig --login azurecli
  kubectl get --raw /readyz --request-timeout 20s >/dev/null || {
    echo "error: $cluster does not answer from here; is this address in cluster.authorizedIpRanges?" >&2
    exit 1
  }
  echo "$cluster answers"
done
