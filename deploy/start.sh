#!/bin/sh
# Starts a node in a container or under a service manager: makes it on the first start, brings the tables to this
# version, then serves. Everything it needs comes from the environment:
#
#   SEALANE_NODE          folder of the node, on a volume that outlives the container
#   SEALANE_PARTICIPANT   id of the port    } needed on the first start,
#   SEALANE_NAME          its name          } and any other setting of
#   SEALANE_ORIGIN        public address    } docs/reference/node-settings.md
#   SEALANE_DATABASE_URL  PostgreSQL; without it SQLite in the folder
#
# SEALANE_DATABASE_PASSWORD_FILE names a file with the database's password, so that it stands in no environment of the
# container's definition.
# SEALANE_MIGRATE=no leaves the tables alone: then a new version refuses to serve until somebody has migrated.
set -eu

: "${SEALANE_NODE:?names the folder of the node}"
migrate=${SEALANE_MIGRATE:-yes}
if [ -n "${SEALANE_DATABASE_PASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$SEALANE_DATABASE_PASSWORD_FILE")
    export PGPASSWORD
fi
unset SEALANE_MIGRATE SEALANE_DATABASE_PASSWORD_FILE
umask 077

if [ ! -e "$SEALANE_NODE/node.toml" ]; then
    : "${SEALANE_PARTICIPANT:?is the id of the port}" "${SEALANE_NAME:?is its name}"
    : "${SEALANE_ORIGIN:?is its public address}"
    sealane node init --node "$SEALANE_NODE" \
        --participant "$SEALANE_PARTICIPANT" --name "$SEALANE_NAME" --origin "$SEALANE_ORIGIN"
elif [ "$migrate" = yes ]; then
    sealane node migrate --node "$SEALANE_NODE"
fi

# exec: the node itself gets the stop signal.
exec sealane node serve --node "$SEALANE_NODE"
