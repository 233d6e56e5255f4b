#!/bin/sh
# Replaces the `api` containers, by ones of the image that is there now, without a failed request: new ones are started
# beside the old ones; once the front sends them requests, the old ones are asked to end, one after the other.
#
#   docker compose build api && docker compose run --rm migrate && deploy/roll.sh
set -eu
old=$(docker compose ps --quiet api)
count=$(echo "$old" | wc -l)
docker compose up --detach --no-deps --no-recreate --no-build --wait --scale api=$((count * 2)) api
sleep 4  # the front looks for new containers every second, and checks each every half second
for container in $old; do
    docker stop --time 30 "$container" > /dev/null
    docker rm "$container" > /dev/null
done
docker compose ps api
