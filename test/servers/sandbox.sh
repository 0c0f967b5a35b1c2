# shellcheck shell=bash
# Sourced by the server scripts: where things are kept, and how a server is run without root and without a trace.
#
# CACHE  unpacked packages and jars, shared by all runs (prepare.sh fills it)
# STATE  everything one server writes; the caller owns it and removes it
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

default_cache() {
  if [ "$(id -u)" = 0 ] || [ -d /var/cache/everdraft-servers ]; then
    echo /var/cache/everdraft-servers
  else
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/everdraft-servers"
  fi
}
CACHE=${CACHE:-${EVERDRAFT_SERVER_CACHE:-$(default_cache)}}

# The servers refuse to run as root, or would need several users for it: root steps down to nobody.
unprivileged() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else "$@"; fi
}

own_state() {
  if [ "$(id -u)" = 0 ]; then chown -R 65534:65534 "$STATE"; fi
}

# sandbox ARGUMENT...: bubblewrap with its own user and process ids; STATE is /state inside.
# When bubblewrap dies, the kernel ends whatever runs inside with it: kill -9 leaves nothing behind. A session of its own,
# because Cyrus ends by a signal to its whole process group, which would be ours.
sandbox() {
  unprivileged bwrap --die-with-parent --new-session --unshare-user --unshare-pid --uid 65534 --gid 65534 "$@"
}

# The root of a Debian suite's packages unpacked into a folder (Dovecot 2.4, Cyrus 3.10).
unpacked_root() {
  echo "--ro-bind $1 / --dev /dev --proc /proc --tmpfs /tmp --bind $STATE /state"
}

# The host's own programs (Dovecot 2.3), read-only.
host_root() {
  local line=''
  for folder in bin sbin lib lib64; do
    if [ -L "/$folder" ]; then line="$line --symlink $(readlink "/$folder") /$folder"; elif [ -d "/$folder" ]; then line="$line --ro-bind /$folder /$folder"; fi
  done
  echo "--ro-bind /usr /usr --ro-bind /etc /etc $line --dev /dev --proc /proc --tmpfs /tmp --bind $STATE /state"
}

# serve ARGUMENT...: runs the sandbox in the foreground until it ends or this script is told to (TERM, INT).
# TERM goes to the server inside, which then closes its files; bubblewrap itself would just kill it.
serve() {
  sandbox --json-status-fd 3 "$@" 3>"$STATE/sandbox.json" &
  local outer=$!
  # shellcheck disable=SC2064 # the pid is meant as it is now
  trap "stop_inside $outer" TERM INT
  while kill -0 "$outer" 2>/dev/null; do wait "$outer" && true; code=$?; done
  exit "${code:-0}"
}

stop_inside() {
  local init inner
  init=$(sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' "$STATE/sandbox.json" | head -n 1)
  inner=$(cat "/proc/$init/task/$init/children" 2>/dev/null)
  # shellcheck disable=SC2086 # several pids
  if [ -n "$inner" ]; then kill -TERM $inner; else kill -TERM "$1"; fi
}
