#!/bin/sh
# Unpacks promtool, amtool, their two servers and nginx from Debian's packages into .build/monitoring; starts nothing.
# Does nothing where they are already to be found. Debian's Alertmanager reads its message templates from one fixed
# folder, so those are copied there, which takes root; without them the tools work and that server does not.
set -eu

folder=$(cd "$(dirname "$0")/../.." && pwd)/.build/monitoring
packages="prometheus prometheus-alertmanager nginx"

found() { command -v "$1" >/dev/null 2>&1 || [ -x "$folder/usr/bin/$1" ] || [ -x "$folder/usr/sbin/$1" ]; }
if found promtool && found amtool && found nginx; then exit 0; fi
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
  echo "monitoring.sh: found neither promtool nor apt-get; install Prometheus, Alertmanager and nginx yourself" \
    "(macOS: brew install prometheus alertmanager nginx)" >&2
  exit 1
fi

mkdir -p "$folder"
cd "$folder"
# The lists of a fresh container are empty or old: then, and only then, they are fetched.
apt-get download $packages >/dev/null 2>&1 || { apt-get update >/dev/null && apt-get download $packages >/dev/null; }
for package in *.deb; do dpkg -x "$package" .; done
rm -f ./*.deb
templates=usr/share/prometheus/alertmanager
if [ ! -e "/$templates/email.tmpl" ]; then
  { mkdir -p "/$templates" && cp "$templates"/*.tmpl "/$templates/"; } 2>/dev/null ||
    echo "monitoring.sh: cannot write to /$templates; run it as root to start Alertmanager" >&2
fi
usr/bin/promtool --version | head -n 1
usr/bin/amtool --version | head -n 1
