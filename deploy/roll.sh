#!/bin/sh
# Replaces the `api` containers by ones of the current image, without a failed request: starts new ones beside the old
# ones, and stops the old ones, one after the other, once `front` sends requests to the new ones.
#
#   docker compose build api && docker compose run --rm migrate && deploy/roll.sh
set -eu
old=$(docker compose ps --quiet api)
count=$(echo "$old" | wc -l)
docker compose up --detach --no-deps --no-recreate --no-build --wait --scale api=$((count * 2)) api
sleep 4  # `front` looks for new containers every second, and checks each every half second
for container in $old; do
    docker stop --time 30 "$container" > /dev/null
    docker rm "$container" > /dev/null
done
docker compose ps api
