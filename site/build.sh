#!/usr/bin/env bash
# Builds the documentation as a folder that can be opened, searched, printed and published as it is: npm run site.
# The generator is Python's, in an environment of its own, every file of it by its hash: `npm ci` stays what it was.
# SITE_REPOSITORY (https://github.com/owner/name) makes links to code links; without it they are text.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$#" -eq 0 ] || { echo "usage: npm run site" >&2; exit 2; }
command -v python3 >/dev/null || { echo "site: needs python3 (npm run setup -- --check)" >&2; exit 2; }
[ -f node_modules/mermaid/dist/mermaid.min.js ] || { echo "site: needs the packages (npm ci)" >&2; exit 2; }
environment=.build/site-environment
# Made again when what it is made of changes.
if ! cmp -s site/requirements.txt "$environment/requirements.txt"; then
  echo "site: bringing the generator, once"
  rm -rf "$environment"
  python3 -m venv "$environment" || { echo "site: needs Python's venv (apt-get install python3-venv)" >&2; exit 2; }
  "$environment/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement site/requirements.txt
  cp site/requirements.txt "$environment/requirements.txt"
fi
NO_MKDOCS_2_WARNING=1 "$environment/bin/mkdocs" build --quiet --strict --clean --config-file site/mkdocs.yml
echo "site: .build/site/index.html"
