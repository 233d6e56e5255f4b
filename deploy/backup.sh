#!/bin/sh
# backup.sh FOLDER: writes database.dump and artifacts.tar there, while the service runs. The database is dumped first:
# an artifact is stored before it is recorded, and never changed, so the archive holds all that the dump names.
set -eu
folder=$1
mkdir -p "$folder"
docker compose exec -T postgres pg_dump --host /var/run/postgresql --username numeral --format custom numeral > "$folder/database.dump"
docker compose exec -T --workdir /data worker tar -cf - artifacts > "$folder/artifacts.tar"
