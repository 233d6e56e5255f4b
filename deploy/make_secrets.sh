#!/bin/sh
# Makes the passwords of a stack that has none yet, and the two URLs that contain them. Existing files are kept. Then copies to
# each service what it needs and nothing else, into a volume that no other service has.
set -eu
cd /run/secrets

make() {  # make NAME CONTENT
    if [ ! -e "$1" ]; then
        printf %s "$2" > "$1" || { echo "error: the secrets folder has no $1, and none can be written there." >&2; exit 1; }
    elif [ ! -s "$1" ]; then
        echo "error: the secret $1 is empty; write one into it, or remove it and a new one is made." >&2
        exit 1
    fi
}

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

make postgres_password "$(random)"
make redis_password "$(random)"
make grafana_password "$(random)"
make database_url "postgresql://numeral:$(cat postgres_password)@postgres:5432/numeral"
make redis_url "redis://:$(cat redis_password)@redis:6379/0"

give() {  # give SERVICE NAME...
    to=/secrets/$1; shift
    for name in "$@"; do
        cp "$name" "$to/.$name" && chmod 444 "$to/.$name" && mv -f "$to/.$name" "$to/$name"
    done
}

give api database_url redis_url
give worker database_url redis_url
give migrate database_url
give postgres postgres_password
give redis redis_password
give grafana grafana_password

# One of your own, if you have put it there: NUMERAL_ADMIN_KEY_FILE=/run/secrets/admin_key
if [ -e admin_key ]; then give api admin_key; else rm -f /secrets/api/admin_key; fi
