#!/usr/bin/env bash
# Makes a fresh Ubuntu machine a runner of a repository: install-runner.sh <owner/name> <registration token> <label>.
# Run as root; the registration token is valid for an hour and for registering only.
set -euo pipefail
repository=$1 token=$2 label=$3
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl git gh gnupg jq unzip
fetch() { curl --fail --silent --show-error --location "$@"; }

# The Azure CLI from Microsoft's repository, whose key is known by its fingerprint and vouches for that repository only.
key=/etc/apt/keyrings/microsoft.asc
fetch --create-dirs --output "$key" https://packages.microsoft.com/keys/microsoft.asc
gpg --show-keys --with-colons "$key" |
  awk -F: '$1 == "pub" { keys++ } $1 == "fpr" && !first { first = $10 }
    END { exit !(keys == 1 && first == "BC528686B50D79E339D3721CEB3E94ADBE1229CF") }'
# shellcheck source=/dev/null
. /etc/os-release
echo "deb [arch=amd64 signed-by=$key] https://packages.microsoft.com/repos/azure-cli/ $VERSION_CODENAME main" \
  >/etc/apt/sources.list.d/azure-cli.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends azure-cli

id runner >/dev/null 2>&1 || useradd --create-home --shell /bin/bash runner
cd /home/runner
# The newest runner, since GitHub gives no jobs to old ones; what came is what the release says it is.
read -r address digest < <(fetch https://api.github.com/repos/actions/runner/releases/latest |
  jq --raw-output '.assets[] | select(.name | test("^actions-runner-linux-x64-[0-9.]+[.]tar[.]gz$"))
    | "\(.browser_download_url) \(.digest)"')
archive=$(mktemp)
fetch --output "$archive" "$address"
echo "${digest#sha256:}  $archive" | sha256sum --check --quiet
sudo -u runner tar --extract --gzip <"$archive"
rm "$archive"
./bin/installdependencies.sh
sudo -u runner ./config.sh --unattended --replace --url "https://github.com/$repository" --token "$token" \
  --labels "$label" --name "$label"
./svc.sh install runner
./svc.sh start
