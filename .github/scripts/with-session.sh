#!/usr/bin/env bash
# Runs a command with an Azure session that is renewed while it lasts: with-session.sh <command> [argument...].
# GitHub's own token is good for minutes and Azure's for an hour; an update that takes longer would fail while it writes
# its state. Needs AZURE_CLIENT_ID, AZURE_TENANT_ID and the job's right to a token (id-token: write).
set -euo pipefail
: "${AZURE_CLIENT_ID:?}" "${AZURE_TENANT_ID:?}" "${ACTIONS_ID_TOKEN_REQUEST_URL:?}" "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:?}"
folder=$(mktemp -d)
chmod 700 "$folder"
export AZURE_FEDERATED_TOKEN_FILE=$folder/token ARM_OIDC_TOKEN_FILE_PATH=$folder/token
keeper=
finish() {
  [ -z "$keeper" ] || kill "$keeper" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

# Secrets go through files: arguments of a program are everybody's to read.
renew() {
  printf 'header = "Authorization: bearer %s"\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" >"$folder/request"
  curl --fail --silent --show-error --retry 3 --config "$folder/request" --output "$folder/answer" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=api://AzureADTokenExchange"
  node -p 'JSON.parse(fs.readFileSync(process.argv[1], "utf8")).value' "$folder/answer" >"$folder/token.new"
  mv "$folder/token.new" "$folder/token"
  az login --service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" \
    --federated-token "@$folder/token" --output none --only-show-errors
}

renew
(
  while sleep "${RENEW_SECONDS:-240}"; do
    renew || echo "warning: the Azure session was not renewed; trying again" >&2
  done
) &
keeper=$!
"$@"
