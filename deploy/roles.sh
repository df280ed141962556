#!/bin/sh
# Run once by PostgreSQL's image when its volume is empty: the four roles of docs/operations.md and who owns the schema.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v owner="$COUNTERSIGN_OWNER_PASSWORD" -v app="$COUNTERSIGN_APP_PASSWORD" <<'SQL'
CREATE ROLE countersign_owner LOGIN PASSWORD :'owner';
CREATE ROLE countersign_app LOGIN PASSWORD :'app';
CREATE ROLE countersign_auditor NOLOGIN;
CREATE ROLE countersign_auditor_writer NOLOGIN;
GRANT countersign_auditor, countersign_auditor_writer TO countersign_app WITH INHERIT FALSE, SET TRUE;
ALTER DATABASE countersign OWNER TO countersign_owner;
ALTER SCHEMA public OWNER TO countersign_owner;
SQL
