#!/usr/bin/env bash
# Makes a fresh Ubuntu machine a runner of a repository: install-runner.sh <owner/name> <registration token> <label>.
# Run as root; the registration token is valid for an hour and for registering only.
set -euo pipefail
repository=$1 token=$2 label=$3
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl git gh jq unzip
curl --fail --silent --show-error --location https://aka.ms/InstallAzureCLIDeb | bash

id runner >/dev/null 2>&1 || useradd --create-home --shell /bin/bash runner
cd /home/runner
newest=$(curl --fail --silent --show-error --location --output /dev/null --write-out '%{url_effective}' \
  https://github.com/actions/runner/releases/latest)
version=${newest##*/v}
curl --fail --silent --show-error --location \
  "https://github.com/actions/runner/releases/download/v$version/actions-runner-linux-x64-$version.tar.gz" |
  sudo -u runner tar --extract --gzip
./bin/installdependencies.sh
sudo -u runner ./config.sh --unattended --replace --url "https://github.com/$repository" --token "$token" \
  --labels "$label" --name "$label"
./svc.sh install runner
./svc.sh start
