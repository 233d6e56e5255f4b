#!/bin/sh
# Pins the images that docker-compose.yml and the Dockerfile name by tag: asks the registry for the digest of each, and writes
# NAME_IMAGE=TAG@sha256:... into .env beside docker-compose.yml, which `docker compose` reads. Run it again to take newer ones.
set -eu
cd "$(dirname "$0")/.."
touch .env
sed -n 's/.*\${\([A-Z]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' docker-compose.yml | sort -u | while read -r variable image; do
    digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image") || {
        echo "error: no registry tells the digest of $image; it stays as it is." >&2
        exit 1
    }
    case $digest in sha256:*) ;; *) echo "error: $image has no digest: $digest" >&2; exit 1 ;; esac
    { grep -v "^$variable=" .env || true; echo "$variable=$image@$digest"; } > .env.part && mv .env.part .env
    echo "$variable=$image@$digest"
done
