#!/usr/bin/env bash
# Fails unless the API server of every region that is not lost answers from this machine, a standby's included:
# clusters-answer.sh <stack> [command...], which then runs with a kubeconfig of them. The Kubernetes provider takes what it
# cannot reach for gone (deleteUnreachable, for a lost region), so an update must not begin without.
set -euo pipefail
stack=$1
shift
places=$(node -p "
  const regions = require('js-yaml').load(require('fs').readFileSync('Pulumi.$stack.yaml', 'utf8')).config['forma3d:regions'];
  Object.keys(regions).filter((place) => regions[place].role !== 'lost').join(' ')")
outputs=$(pulumi stack output regions --json --stack "organization/forma3d/$stack")
export KUBECONFIG="${RUNNER_TEMP:-/tmp}/clusters-answer.kubeconfig"
trap 'rm -f "$KUBECONFIG"' EXIT
for place in $places; do
  read -r group cluster < <(node -p "const { resourceGroup, cluster } = JSON.parse(process.argv[1])['$place'] ?? {}; resourceGroup + ' ' + cluster" "$outputs")
  # A region of the first deployment has no cluster yet.
  if [ "$cluster" = undefined ]; then
    echo "$place has no cluster yet"
    continue
  fi
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
[ $# -eq 0 ] || "$@"
