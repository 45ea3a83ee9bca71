/**
 * What the shell at the other end is told first. It needs a Debian without anything added (dash,
 * coreutils, util-linux). Its standard input then carries one command after the other; `hive_reply`
 * answers with a line `@ID CODE BYTES BYTES` and that many bytes of standard output and error.
 *
 * All it keeps are files in a folder of its own, in memory where it can, gone with the connection.
 * A job whose process group is written down ends with the connection, as it would by a cancel;
 * others, such as an installation, come to their end.
 */
export const preamble = `
umask 022
cd /
for hive_base in /run /dev/shm "\${TMPDIR:-/tmp}"; do
  hive=$(mktemp -d "$hive_base/hivematrix.XXXXXXXX" 2>/dev/null) && break
done
hive_end() {
  for hive_group in "$hive"/*.group; do
    [ -f "$hive_group" ] && kill -s TERM -- "-$(cat "$hive_group")" 2>/dev/null
  done
  rm -rf "$hive"
}
trap hive_end EXIT
trap 'exit 1' HUP TERM
hive_reply() {
  (
    flock 9
    printf '@%s %s %s %s\\n' "$1" "$2" "$(wc -c <"$hive/$1.out")" "$(wc -c <"$hive/$1.err")"
    cat "$hive/$1.out" "$hive/$1.err"
  ) 9>"$hive/lock"
  rm -f "$hive/$1".*
}
hive_kill() {
  (
    hive_tries=0
    while [ ! -f "$hive/$1.group" ] && [ $hive_tries -lt 50 ]; do
      sleep 0.1
      hive_tries=$((hive_tries + 1))
    done
    read -r hive_group <"$hive/$1.group" || exit 0
    kill -s "$2" -- "-$hive_group" || kill -s "$2" "$hive_group"
  ) </dev/null >/dev/null 2>&1 &
}
hive_answer() {
  if [ "$1" -eq 0 ]; then printf '0 %s\\n' "$2"; else printf '1 %s\\n' "\${2##*: }"; fi
}
hive_stat() {
  hive_found=$(LC_ALL=C stat --printf='%f %s %u %g %U %G' -- "$1" 2>&1)
  hive_answer $? "$hive_found"
}
hive_read() {
  if [ -p "$1" ]; then echo '1 Is a directory'; return; fi
  hive_found=$(LC_ALL=C base64 -w 0 -- "$1" 2>&1)
  hive_answer $? "$hive_found"
}
hive_link() {
  if [ -L "$1" ]; then printf '0 %s\\n' "$(readlink -n -- "$1" | base64 -w 0)"; else echo '1 No such file or directory'; fi
}
hive_list() {
  hive_found=$(LC_ALL=C find -H "$1" -maxdepth 0 2>&1) || { hive_answer 1 "$hive_found"; return; }
  if [ ! -d "$1" ]; then echo '1 Not a directory'; return; fi
  hive_found=$({ find -H "$1" -mindepth 1 -maxdepth 1 -printf '%f\\0' | base64 -w 0; } 2>&1)
  hive_answer $? "$hive_found"
}
hive_account() {
  printf '0 %s\\n' "$(getent passwd "$1" | base64 -w 0)"
}
`;
