#!/usr/bin/env bash
# Installs the Pulumi CLI into a folder, only if it is the very archive that was looked at: install-pulumi.sh <folder>.
set -euo pipefail
folder=$1
VERSION=3.253.0
SHA256=33161e521280e6c77395a46344dba5ff9c118a90df254801e662087143b4d1ac
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl --fail --silent --show-error --location --retry 3 --output "$archive" \
  "https://github.com/pulumi/pulumi/releases/download/v$VERSION/pulumi-v$VERSION-linux-x64.tar.gz"
echo "$SHA256  $archive" | sha256sum --check --quiet || {
  echo "error: the archive of Pulumi $VERSION is not the one whose checksum stands in $0" >&2
  exit 1
}
mkdir -p "$folder"
tar --extract --gzip --file "$archive" --directory "$folder" --strip-components 1
