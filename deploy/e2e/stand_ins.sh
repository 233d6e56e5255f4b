#!/usr/bin/env bash
# Stand-ins, from Debian's packages, for the official images that the stack names, for a machine that reaches no
# image registry. They behave as the originals where the stack relies on it; a test on them does not prove the originals.
# It builds on python:3.11-slim-bookworm, which must be there. Grafana is not in Debian, and its Prometheus is 2.42.
set -euo pipefail

docker build -q -t haproxy:2.6-bookworm - <<'F'
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
USER haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
F

docker build -q -t prom/prometheus:v3.13.3 - <<'F'
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
 && mkdir /etc/prometheus/alone && install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
F

docker build -q -t postgres:15-bookworm - <<'F'
FROM python:3.11-slim-bookworm
RUN groupadd -r -g 999 postgres && useradd -r -u 999 -g postgres -d /var/lib/postgresql postgres && apt-get update \
 && apt-get install -y --no-install-recommends postgresql-common && echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf \
 && apt-get install -y --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/* \
 && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data && install -d -o postgres -g postgres -m 3777 /var/run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
COPY --chmod=755 <<'E' /usr/local/bin/docker-entrypoint.sh
#!/bin/bash
set -e
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -s "$POSTGRES_PASSWORD_FILE" ] || { echo "POSTGRES_PASSWORD_FILE names no password" >&2; exit 1; }
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 > /dev/null
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -o "-c listen_addresses=''" -w start > /dev/null
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -m fast -w stop > /dev/null
fi
[ "$1" = postgres ] && set -- "$@" -c "listen_addresses=*"
exec "$@"
E
USER postgres
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
F
