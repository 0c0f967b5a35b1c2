#!/bin/bash
# Cyrus IMAP 3.10 (Debian trixie's packages, unpacked by prepare.sh) in bubblewrap, in the foreground, without root.
# Env: IMAP_PORT HTTP_PORT (JMAP) STATE USERS="u01:secret …"; MAXMSG (octets, 0 is no limit), EXTRA (lines of imapd.conf)
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
root=$CACHE/cyrus310-root
[ -e "$root/.complete" ] || { echo 'Cyrus 3.10 is not in the cache: run test/servers/prepare.sh cyrus310' >&2; exit 1; }
bin=/usr/lib/cyrus/bin
mkdir -p "$STATE"/{lib,spool,run/proc,run/lock,run/socket,log} "$STATE"/lib/{db,proc,log,msg,socket,user,sieve,quota,ptclient,sync,rpm}
cat >"$STATE/imapd.conf" <<C
cyrus_user: nobody
cyrus_group: nogroup
configdirectory: /state/lib
proc_path: /state/run/proc
mboxname_lockpath: /state/run/lock
lmtpsocket: /state/run/socket/lmtp
idlesocket: /state/run/socket/idle
notifysocket: /state/run/socket/notify
defaultpartition: default
partition-default: /state/spool
sievedir: /state/lib/sieve
servername: localhost
admins: admin
altnamespace: yes
unixhierarchysep: yes
virtdomains: off
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /state/sasldb2
sasl_mech_list: PLAIN LOGIN
tls_session_timeout: 0
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Drafts|Sent|Trash
autocreate_subscribe_folders: Drafts|Sent|Trash
xlist-drafts: Drafts
xlist-sent: Sent
xlist-trash: Trash
specialusealways: yes
conversations: yes
conversations_db: twoskip
httpmodules: jmap
jmap_nonstandard_extensions: yes
httpallowcompress: no
maxmessagesize: ${MAXMSG:-0}
munge8bit: no
reject8bit: no
syslog_prefix: cyrus
imapidlepoll: 1
${EXTRA:-}
C
cat >"$STATE/cyrus.conf" <<C
START {
  recover cmd="$bin/ctl_cyrusdb -C /state/imapd.conf -r"
  idled cmd="$bin/idled -C /state/imapd.conf"
}
SERVICES {
  imap cmd="$bin/imapd -C /state/imapd.conf -U 30" listen="127.0.0.1:$IMAP_PORT" prefork=1 maxchild=100
  http cmd="$bin/httpd -C /state/imapd.conf -U 30" listen="127.0.0.1:$HTTP_PORT" prefork=0 maxchild=20
}
EVENTS {
  checkpoint cmd="$bin/ctl_cyrusdb -C /state/imapd.conf -c" period=30
}
C
own_state
if [ ! -e "$STATE/sasldb2" ]; then
  for user in $USERS; do
    # shellcheck disable=SC2046 # a list of arguments
    sandbox $(unpacked_root "$root") /usr/sbin/saslpasswd2 -p -f /state/sasldb2 -u localhost "${user%%:*}" <<<"${user#*:}"
  done
fi
# shellcheck disable=SC2046 # a list of arguments
serve $(unpacked_root "$root") "$bin/master" -D -C /state/imapd.conf -M /state/cyrus.conf -p /state/run/master.pid -l 32
