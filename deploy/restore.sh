#!/bin/sh
# restore.sh FOLDER: restores what backup.sh wrote into a stack that has no data yet, and starts it.
set -eu
folder=$1
docker compose up --detach --wait postgres redis
docker compose exec -T postgres pg_restore --host /var/run/postgresql --username numeral --dbname numeral --exit-on-error < "$folder/database.dump"
docker compose run --rm --no-deps -T --entrypoint tar --workdir /data api -xf - < "$folder/artifacts.tar"
docker compose up --detach --wait
