#!/usr/bin/env bash
# Adds what the workflows expect of GitHub's machines to the runner's image: the Azure CLI and GitHub's. Run as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl gh gnupg unzip

# The Azure CLI from Microsoft's repository, whose key is known by its fingerprint and vouches for that repository only.
key=/etc/apt/keyrings/microsoft.asc
curl --fail --silent --show-error --location --create-dirs --output "$key" https://packages.microsoft.com/keys/microsoft.asc
gpg --show-keys --with-colons "$key" |
  awk -F: '$1 == "pub" { keys++ } $1 == "fpr" && !first { first = $10 }
    END { exit !(keys == 1 && first == "BC528686B50D79E339D3721CEB3E94ADBE1229CF") }'
# shellcheck source=/dev/null
. /etc/os-release
echo "deb [arch=amd64 signed-by=$key] https://packages.microsoft.com/repos/azure-cli/ $VERSION_CODENAME main" \
  >/etc/apt/sources.list.d/azure-cli.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends azure-cli
rm -rf /var/lib/apt/lists/*
