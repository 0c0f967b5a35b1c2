#!/bin/bash
# Dovecot 2.4 (Debian trixie's packages, unpacked by prepare.sh) in bubblewrap, in the foreground, without root.
# Env: IMAP_PORT SUBM_PORT RELAY_PORT (plain SMTP, where submitted mail goes) STATE USERS="u01:secret …"
#      LITERAL_MINUS=yes, EXTRA (lines of dovecot.conf)
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
root=$CACHE/dovecot24-root
[ -e "$root/.complete" ] || { echo 'Dovecot 2.4 is not in the cache: run test/servers/prepare.sh dovecot24' >&2; exit 1; }
mkdir -p "$STATE/run" "$STATE/mail"
: >"$STATE/users"
for user in $USERS; do
  echo "${user%%:*}:{PLAIN}${user#*:}:65534:65534::/state/mail/${user%%:*}" >>"$STATE/users"
done
cat >"$STATE/dovecot.conf" <<C
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = /state/run
state_dir = /state/run
log_path = /dev/stderr
protocols = imap submission
listen = 127.0.0.1
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain login
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
mail_driver = sdbox
mail_path = ~/mail
mail_inbox_path =
mail_privileged_group =
mail_utf8_extensions = yes
imap_literal_minus = ${LITERAL_MINUS:-no}
passdb passwd-file {
  passwd_file_path = /state/users
  auth_username_format = %{user | username}
}
userdb passwd-file {
  passwd_file_path = /state/users
  auth_username_format = %{user | username}
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $IMAP_PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service submission-login {
  chroot =
  inet_listener submission {
    port = $SUBM_PORT
  }
  inet_listener submissions {
    port = 0
  }
}
imap_metadata = yes
mail_attribute {
  dict file {
    path = %{home}/dovecot-attributes
  }
}
imap_urlauth_host = 127.0.0.1
imap_urlauth_port = $IMAP_PORT
submission_relay_host = 127.0.0.1
submission_relay_port = $RELAY_PORT
submission_max_mail_size = 50M
mail_max_userip_connections = 50
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}
${EXTRA:-}
C
rm -rf "$STATE"/run/*
own_state
# shellcheck disable=SC2046 # a list of arguments
serve $(unpacked_root "$root") /usr/sbin/dovecot -F -c /state/dovecot.conf
