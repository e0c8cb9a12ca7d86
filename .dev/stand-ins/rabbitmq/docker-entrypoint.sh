#!/usr/bin/env bash
# RABBITMQ_DEFAULT_USER, _PASS and _VHOST are read by the server itself, once, on an empty data folder.
set -euo pipefail

if [[ $1 == rabbitmq* ]] && [ "$(id -u)" = 0 ]; then
  # A cookie that root's `docker exec … rabbitmqctl` wrote first must be the server's too.
  chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
  if [ "$1" = rabbitmq-server ]; then
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
  fi
fi

exec "$@"
