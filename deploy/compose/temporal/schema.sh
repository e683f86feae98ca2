#!/bin/sh
# Brings the schemas of Temporal's two databases to the version of the image
# that this runs in. It can be repeated, and it is how an upgrade's schema
# changes get in: run it with the new admin-tools before the new server starts.
set -eu

# The tool reads the password from its environment alone, so this process has
# it there; the container ends with the job.
SQL_PASSWORD=$(cat "${SQL_PASSWORD_FILE:?}")
export SQL_PASSWORD

for store in temporal:temporal visibility:temporal_visibility; do
  SQL_DATABASE=${store#*:}
  export SQL_DATABASE
  # Makes the version tables where they are missing, and leaves them alone else.
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-name "postgresql/v12/${store%%:*}"
done
