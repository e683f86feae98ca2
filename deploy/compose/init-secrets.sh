#!/bin/sh
# Makes every secret that this installation chooses itself, at random, and the
# folders for those that others hand out.
#
#   deploy/compose/init-secrets.sh [HOSPITAL-ID…]
#
# What exists is never changed, so it can be run again, for instance to add a
# hospital. The files go into deploy/compose/secrets, or into the folder that
# SECRETS_DIR names.
#
# The folder is for its owner alone. The files in it can be read by everybody
# who gets that far: containers run as other users than the one that owns the
# files, and each sees only those files that it is given. Move a file elsewhere
# and that protection stays behind.
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
dir=${SECRETS_DIR:-$here/secrets}
mkdir -p "$dir"
chmod 700 "$dir"

random_hex() { # bytes
  od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

keep() { # file, content: writes it unless it is there
  if [ -s "$dir/$1" ]; then
    echo "kept  $1"
    return
  fi
  # Written aside and renamed: a disk that is full leaves no half secret.
  printf '%s\n' "$2" >"$dir/.new"
  chmod 444 "$dir/.new"
  mv "$dir/.new" "$dir/$1"
  echo "made  $1"
}

folder() {
  mkdir -p "$dir/$1"
  chmod 755 "$dir/$1"
}

keep postgres_password "$(random_hex 24)"
keep temporal_db_password "$(random_hex 24)"
keep regpay_db_password "$(random_hex 24)"
keep regpay_dsn "postgres://regpay:$(cat "$dir/regpay_db_password")@postgres:5432/regpay?sslmode=disable"
# What an operator signs in with to read encrypted payloads in Temporal's UI.
keep regpay_codec_token "$(random_hex 24)"
# Keys the blind indexes. Lose it, or change it, and nothing is found again.
keep regpay_index_key "$(random_hex 16)"

# SM4 keys, one file each. Add k2, k3, … to rotate; see docs/operations.md.
folder keys
keep keys/k1 "$(random_hex 16)"

folder hospitals
for hospital in "$@"; do
  case $hospital in
    *[!a-z0-9-]* | '' | -*)
      echo "not a hospital id: $hospital (lower-case letters, digits and hyphens)" >&2
      exit 1
      ;;
  esac
  folder "hospitals/$hospital"
  # Signs what this hospital's booking backend is told: give it to the backend.
  keep "hospitals/$hospital/callback_secret" "$(random_hex 32)"
done

cat <<TEXT

Back this folder up, apart from the database: $dir
Without keys/ and regpay_index_key the books cannot be read.
What channels and the HIS hand out goes into $dir/hospitals/<hospital>/,
mode 444; deploy/regpay.yaml names the files.
TEXT
