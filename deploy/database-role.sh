#!/bin/sh
# PostgreSQL's image runs this once, when it makes its data folder: an ordinary role that owns its own database. The role
# the image makes itself is a superuser, and superusers pass the row-level security that stands behind people's pages.
set -eu
psql --set ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat "$POSTGRES_PASSWORD_FILE"`
CREATE ROLE sealane LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE sealane OWNER sealane;
-- From now on the superuser enters through the server's own socket only.
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
