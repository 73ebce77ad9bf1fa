#!/bin/sh
# Unpacks promtool, amtool and their two servers from Debian's packages into .build/prometheus. Nothing is
# installed and nothing is started; root is not needed. Does nothing where they are already to be found.
set -eu

folder=$(cd "$(dirname "$0")/../.." && pwd)/.build/prometheus
packages="prometheus prometheus-alertmanager"

if [ -x "$folder/usr/bin/promtool" ] && [ -x "$folder/usr/bin/amtool" ]; then exit 0; fi
if command -v promtool >/dev/null 2>&1 && command -v amtool >/dev/null 2>&1; then exit 0; fi
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
  echo "prometheus.sh: found neither promtool nor apt-get; install Prometheus and Alertmanager yourself" \
    "(macOS: brew install prometheus alertmanager)" >&2
  exit 1
fi

mkdir -p "$folder"
cd "$folder"
# The lists of a fresh container are empty or old: then, and only then, they are fetched.
apt-get download $packages >/dev/null 2>&1 || { apt-get update >/dev/null && apt-get download $packages >/dev/null; }
for package in *.deb; do dpkg -x "$package" .; done
rm -f ./*.deb
usr/bin/promtool --version | head -n 1
usr/bin/amtool --version | head -n 1
