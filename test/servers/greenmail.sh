#!/bin/bash
# GreenMail standalone (a jar, fetched by prepare.sh) in the foreground; Java 17 or later.
# It keeps everything in memory: a restart empties it and gives a new UIDVALIDITY.
# Env: IMAP_PORT SMTP_PORT USERS="u01:secret …" (addresses are user@example.org)
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
jar=$CACHE/greenmail-standalone-2.1.13.jar
[ -f "$jar" ] || { echo 'GreenMail is not in the cache: run test/servers/prepare.sh greenmail' >&2; exit 1; }
users=
for user in $USERS; do users="$users${users:+,}$user@example.org"; done
exec java -Xmx512m -XX:TieredStopAtLevel=1 \
  -Dgreenmail.smtp.hostname=127.0.0.1 -Dgreenmail.smtp.port="$SMTP_PORT" \
  -Dgreenmail.imap.hostname=127.0.0.1 -Dgreenmail.imap.port="$IMAP_PORT" \
  -Dgreenmail.users="$users" -Dgreenmail.users.login=local_part \
  -jar "$jar"
