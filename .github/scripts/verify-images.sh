#!/usr/bin/env bash
# Looks at the signature of every image of this repository's own that a stack file names and did not name at a base commit:
# verify-images.sh <commit>. Only what the repository's own workflow built and signed may get into a stack file; the
# clusters then admit images of that repository by digest only.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=$1 wrong=0
declare -A keys=([recovery]=recovery.image [operations]=readiness.image [runner]=controlPlane.runners.jobs.image)
image() { sed -nE "s/^ +image: +\"?([a-z0-9.]+\/[a-z0-9_-]+\/$1@sha256:[0-9a-f]{64}).*/\1/p" | sort -u; }
for file in Pulumi.*.yaml; do
  for name in "${!keys[@]}"; do
    before=$(git show "$base:$file" 2>/dev/null | image "$name" || true)
    while read -r now; do
      [ -n "$now" ] && [ "$now" != "$before" ] || continue
      if gh attestation verify "oci://$now" --repo "$GITHUB_REPOSITORY" \
        --signer-workflow "$GITHUB_REPOSITORY/.github/workflows/$name-image.yml"; then
        echo "$file: $now is signed by the workflow that builds it"
      else
        echo "error: $file: ${keys[$name]}: found $now; allowed: an image that .github/workflows/$name-image.yml signed" >&2
        wrong=1
      fi
    done < <(image "$name" <"$file")
  done
done
exit "$wrong"
