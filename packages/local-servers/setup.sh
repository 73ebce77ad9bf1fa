#!/usr/bin/env bash
# Brings the real programs the tests use, on Debian, Ubuntu or macOS: `npm run setup`. What is there already stays as it
# is; packages' own servers are not started. `npm run setup -- --check` only lists what is missing (exit code 1).
# `--with-browser` is for Chromium too, 80 MB to fetch and 290 MB on disk: the tests look at the generated pages in it, and
# say NOT RUN without.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=packages/local-servers
cd "$root"

usage() { echo "usage: npm run setup [-- [--check] [--with-browser]]" >&2; exit 2; }
check=false browser=false
for option in "$@"; do
  case $option in --check) check=true ;; --with-browser) browser=true ;; *) usage ;; esac
done

debian=()
brew=()
scripts=()
there() { # there <program or file>...
  local candidate
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null 2>&1 || compgen -G "$candidate" >/dev/null; then return 0; fi
  done
  return 1
}
need() { # need <Debian package> <Homebrew formula or -> <program or file>...
  local package=$1 formula=$2
  shift 2
  there "$@" && return
  debian+=("$package")
  [ "$formula" = - ] || brew+=("$formula")
}
script() { # script <what it brings> <command> <program or file>...
  local what=$1 command=$2
  shift 2
  there "$@" || scripts+=("$what|$command")
}

# An older server beside production's release: what a backup must still read and restore.
need postgresql postgresql@15 '/usr/lib/postgresql/*/bin/initdb' '/opt/homebrew/opt/postgresql@*/bin/initdb' initdb
need postgresql-contrib - '/usr/share/postgresql/*/extension/amcheck.control' '/opt/homebrew/opt/postgresql@*/bin/pg_amcheck'
need postgresql-client - '/usr/lib/postgresql/*/bin/pg_dump' '/opt/homebrew/opt/postgresql@*/bin/pg_dump' pg_dump
need pgbouncer pgbouncer pgbouncer /usr/sbin/pgbouncer
need zstd zstd zstd
need age age age
need openssl openssl openssl
need prometheus prometheus promtool
need prometheus-alertmanager alertmanager amtool
need nginx nginx nginx /usr/sbin/nginx
need python3-pip python 'pip3' '/usr/lib/python3/dist-packages/pip'
need golang-go go go /usr/local/go/bin/go

if $browser; then need chromium - chromium chromium-browser google-chrome; fi

script "PostgreSQL 17, the release production runs" "sh $here/postgresql.sh" "$root/.build/postgresql/17/bin/postgres"
script "Envoy, the gateway's proxy" "sh $here/envoy.sh" envoy "$root/.build/envoy/envoy"
# A Go module, because no Debian package of an S3 server knows conditional writes and object locks.
script "versitygw, an S3 server" "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0" \
  versitygw "$HOME/go/bin/versitygw"

# Pods of the laptop cloud: a root folder of their own, and names that answer on the ports they have in Azure.
settings=()
if [ "$(uname)" = Linux ] && [ "$(id -u)" -ne 0 ]; then
  unshare --user --map-root-user --mount true 2>/dev/null || settings+=(kernel.apparmor_restrict_unprivileged_userns=0)
  [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -le 443 ] || settings+=(net.ipv4.ip_unprivileged_port_start=443)
fi

if [ "$(uname)" = Darwin ]; then packages=("${brew[@]+"${brew[@]}"}"); else packages=("${debian[@]+"${debian[@]}"}"); fi
if [ "${#packages[@]}" -eq 0 ] && [ "${#scripts[@]}" -eq 0 ] && [ "${#settings[@]}" -eq 0 ]; then
  echo "setup: everything the tests use is here"
  exit 0
fi
[ "${#packages[@]}" -eq 0 ] || echo "setup: missing packages: ${packages[*]}"
for entry in "${scripts[@]+"${scripts[@]}"}"; do echo "setup: missing: ${entry%%|*} (${entry#*|})"; done
[ "${#settings[@]}" -eq 0 ] || echo "setup: missing settings of the kernel: ${settings[*]}"
if $check; then exit 1; fi

[ "${#settings[@]}" -eq 0 ] || sudo sysctl --quiet --write "${settings[@]}"

if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(uname)" = Darwin ]; then
    command -v brew >/dev/null 2>&1 || { echo "setup: needs Homebrew, or install them yourself" >&2; exit 1; }
    brew install "${packages[@]}"
  else
    command -v apt-get >/dev/null 2>&1 || { echo "setup: needs apt-get, or install them yourself" >&2; exit 1; }
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    # The packages' own servers must not start: the tests start theirs, on free ports of the loopback address.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
      $sudo chmod +x /usr/sbin/policy-rc.d
      trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  fi
fi
PATH=$PATH:/usr/local/go/bin
for entry in "${scripts[@]+"${scripts[@]}"}"; do
  echo "setup: ${entry%%|*}"
  ${entry#*|}
done
