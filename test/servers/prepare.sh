#!/bin/bash
# prepare.sh [SERVER...]: puts into the cache what the servers need beyond Debian bookworm's own packages:
# dovecot24 and cyrus310 (Debian trixie packages, unpacked only) and greenmail (a jar, by Maven). Idempotent.
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
mkdir -p "$CACHE"
for server in "${@:-dovecot24 cyrus310 greenmail}"; do
  for one in $server; do
    case $one in
      dovecot24) "$here/debian-root.sh" trixie "$CACHE/dovecot24-root" dovecot-imapd dovecot-submissiond ;;
      cyrus310) "$here/debian-root.sh" trixie "$CACHE/cyrus310-root" cyrus-imapd cyrus-caldav sasl2-bin libsasl2-modules ;;
      greenmail)
        [ -f "$CACHE/greenmail-standalone-2.1.13.jar" ] ||
          mvn -q -B dependency:copy -Dartifact=com.icegreen:greenmail-standalone:2.1.13 -DoutputDirectory="$CACHE"
        ;;
      *) echo "prepare.sh: unknown server $one" >&2; exit 2 ;;
    esac
  done
done
