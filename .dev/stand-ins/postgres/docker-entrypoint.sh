#!/usr/bin/env bash
# The part of the official image's start that this project relies on: POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD and
# /docker-entrypoint-initdb.d/*.sql; one start for initialising (it logs to stdout),
# one for good (it logs to stderr).
set -euo pipefail

[ "${1:0:1}" != - ] || set -- postgres "$@"

if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  chown postgres:postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
db=${POSTGRES_DB:-$user}

query() { psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$user" "$@"; }

initialise() {
  local script
  # shellcheck disable=SC2086  # the arguments are meant to be split
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  # Only on the socket, so that nobody outside takes this start for the real one.
  pg_ctl --wait start -o "-c listen_addresses='' $*"
  [ "$db" = postgres ] || query --dbname postgres -v db="$db" <<<'CREATE DATABASE :"db"'
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -e "$script" ] || query --dbname "$db" --file "$script"
  done
  pg_ctl --wait --mode=fast stop
}

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo "POSTGRES_PASSWORD must be set (or POSTGRES_HOST_AUTH_METHOD=trust)" >&2
    exit 1
  fi
  initialise "${@:2}"
fi

exec "$@"
