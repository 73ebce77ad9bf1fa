#!/usr/bin/env bash
# Looks at the signature of every image of this repository's own that a stack file names and did not name at a base commit:
# verify-images.sh <commit>. Only what the repository's own workflow built and signed on main may get into a stack file; the
# clusters then admit images of that repository by digest only. Needs the packages (js-yaml), and a session at the registry
# for images that are private.
set -euo pipefail
cd "$(dirname "$0")/../.."
base=$1 wrong=0
declare -A keys=([recovery]=recovery.image [operations]=readiness.image [runner]=controlPlane.runners.jobs.image)
# What a stack file says at a key, however it is written; nothing where it says nothing.
value() {
  node -e '
    const text = fs.readFileSync(0, "utf8");
    const [section, ...rest] = process.argv[1].split(".");
    const { config } = text.trim() === "" ? {} : require("js-yaml").load(text);
    const found = config?.[`forma3d:${section}`];
    const image = rest.reduce((value, key) => value?.[key], typeof found === "string" ? JSON.parse(found) : found);
    if (image !== undefined) console.log(image);' "$1"
}
for file in Pulumi.*.yaml; do
  for name in "${!keys[@]}"; do
    key=${keys[$name]}
    now=$(value "$key" <"$file")
    before=$({ git show "$base:$file" 2>/dev/null || true; } | value "$key")
    [ -n "$now" ] && [ "$now" != "$before" ] || continue
    # A branch may have changed the workflow, and sign by its name: what main signed is what was reviewed.
    if gh attestation verify "oci://$now" --repo "$GITHUB_REPOSITORY" \
      --signer-workflow "$GITHUB_REPOSITORY/.github/workflows/$name-image.yml" \
      --source-ref refs/heads/main --deny-self-hosted-runners; then
      echo "$file: $now is signed by the workflow that builds it"
    else
      echo "error: $file: $key: found $now; allowed: an image that .github/workflows/$name-image.yml signed on main" >&2
      wrong=1
    fi
  done
done
exit "$wrong"
