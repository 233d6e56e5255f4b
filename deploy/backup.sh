#!/bin/sh
# backup.sh FOLDER: writes database.dump and artifacts.tar there, while the service runs. The database goes first: what
# it names has been stored before it was recorded, and nothing of that is ever changed, so the two fit together.
set -eu
folder=$1
mkdir -p "$folder"
docker compose exec -T postgres pg_dump --host /var/run/postgresql --username numeral --format custom numeral > "$folder/database.dump"
docker compose exec -T --workdir /data worker tar -cf - artifacts > "$folder/artifacts.tar"
