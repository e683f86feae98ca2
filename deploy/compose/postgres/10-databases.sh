#!/bin/sh
# Makes the roles and databases when the cluster is new; PostgreSQL's image runs
# this once, before anybody can connect from outside. Each role owns its own
# databases and cannot open the others'.
set -eu

psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set temporal_password `cat /run/secrets/temporal_db_password`
\set regpay_password `cat /run/secrets/regpay_db_password`

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE regpay LOGIN PASSWORD :'regpay_password';

CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE regpay OWNER regpay;

-- By default every role may connect to every database.
REVOKE ALL ON DATABASE postgres, template1, temporal, temporal_visibility, regpay FROM PUBLIC;
SQL
