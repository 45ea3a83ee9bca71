# Makes the data folder of a PostgreSQL, beside its place, and moves it there when it is whole: a cut off
# initdb leaves a PG_VERSION too. Where another version's data lies beside it, that is copied first, from
# the server that runs: nobody writes meanwhile, and it goes on as it was when anything fails.
# Arguments: folder of the binaries, the data folder, TCP port of the server. Standard input: the
# superuser's password. `cat`, because a parent's stdin may be a socket, which cannot be opened by name.
binaries=$1 data=$2 port=$3
PGPASSWORD=$(cat) PGUSER=postgres PGCONNECT_TIMEOUT=15
export PGPASSWORD PGUSER PGCONNECT_TIMEOUT
major=$("$binaries/postgres" -V | sed 's/^[^0-9]*\([0-9]*\).*/\1/')

if [ -e "$data/PG_VERSION" ]; then
  found=$(cat "$data/PG_VERSION")
  [ "$found" = "$major" ] && exit 0
  echo "The data in $data is PostgreSQL $found's and the programs are $major's: set hivematrix:postgresVersion to $major to move it (the old data stays), or to $found to stay." >&2
  exit 1
fi

rm -rf "$data.part" "$data.dump"
printf %s "$PGPASSWORD" | cat | "$binaries/initdb" --pgdata "$data.part" --username postgres --pwfile=/dev/stdin \
  --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums

# The newest data of another version.
former=
for each in "${data%/*}"/data*; do
  case $each in *.part | *.dump) continue ;; esac
  [ -e "$each/PG_VERSION" ] || continue
  [ -z "$former" ] || [ "$(cat "$each/PG_VERSION")" -gt "$(cat "$former/PG_VERSION")" ] && former=$each
done

if [ -n "$former" ]; then
  socket=$(mktemp -d)
  # What is asked of the server that runs, and of the one that is made.
  old() { PGHOST=127.0.0.1 PGPORT=$port "$@"; }
  new() { PGHOST=$socket PGPORT=5432 "$@"; }
  sql() { "$binaries/psql" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"; }
  undo() {
    status=$?
    [ $status = 0 ] || "$binaries/pg_ctl" stop -D "$data.part" -m immediate >/dev/null 2>&1 || true
    [ $status = 0 ] || old sql -d postgres -c 'ALTER SYSTEM RESET default_transaction_read_only' \
      -c 'SELECT pg_reload_conf()' >/dev/null 2>&1 || true
    rm -rf "$socket" "$data.part" "$data.dump"
    exit $status
  }
  trap undo EXIT
  trap 'exit 1' HUP INT TERM

  # Whoever is in may not write from now on; who comes, either.
  old sql -d postgres -c "ALTER SYSTEM SET default_transaction_read_only = on" -c "SELECT pg_reload_conf()" \
    -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'" >/dev/null
  umask 077
  old "$binaries/pg_dumpall" -d "dbname=postgres" -f "$data.dump"

  "$binaries/pg_ctl" start -D "$data.part" -w -t 120 -l "$data.part/upgrade.log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$socket' -c port=5432 -c fsync=off" >/dev/null
  # The superuser is there already.
  sed '/^CREATE ROLE postgres;$/d' "$data.dump" | new sql -d postgres >/dev/null

  # Proved: every table has as many rows as it had.
  count() {
    "$@" sql -d postgres -c 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1' |
      while IFS= read -r database; do
        echo "= $database"
        PGDATABASE=$database "$@" sql <<'END'
SELECT format('SELECT %L, count(*) FROM %I.%I', schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \gexec
END
      done
  }
  if [ "$(count old)" != "$(count new)" ]; then
    echo "The copy for PostgreSQL $major does not hold what PostgreSQL $(cat "$former/PG_VERSION") holds; the latter goes on." >&2
    exit 1
  fi
  new "$binaries/vacuumdb" --all --analyze-only --quiet
  "$binaries/pg_ctl" stop -D "$data.part" -m fast -w >/dev/null
  # Gone with the next start of the old server, should it be needed once more.
  old sql -d postgres -c 'ALTER SYSTEM RESET default_transaction_read_only' >/dev/null
  sync
  mv "$data.part" "$data"
  exit 0
fi
mv "$data.part" "$data"
