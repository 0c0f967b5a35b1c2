#!/bin/bash
# Dovecot 2.3 (the host's dovecot-imapd and dovecot-submissiond) in bubblewrap, in the foreground, without root.
# Env: as dovecot24.sh; IMAP_CAPABILITY to make it a poorer server than it is (no UIDPLUS, no LITERAL+ …), and
# SPECIAL_USE=no for folders that only their names tell apart.
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
mkdir -p "$STATE/run" "$STATE/mail"
special_use() { [ "${SPECIAL_USE:-yes}" = no ] || echo "special_use = \\$1"; }
: >"$STATE/users"
for user in $USERS; do
  echo "${user%%:*}:{PLAIN}${user#*:}:65534:65534::/state/mail/${user%%:*}" >>"$STATE/users"
done
cat >"$STATE/dovecot.conf" <<C
base_dir = /state/run
state_dir = /state/run
log_path = /dev/stderr
protocols = imap submission
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
mail_location = sdbox:~/mail
passdb {
  driver = passwd-file
  args = username_format=%n /state/users
}
userdb {
  driver = passwd-file
  args = username_format=%n /state/users
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
imap_hibernate_timeout = 0
${IMAP_CAPABILITY:+imap_capability = $IMAP_CAPABILITY}
imap_literal_minus = no
imap_urlauth_host = 127.0.0.1
imap_urlauth_port = $IMAP_PORT
mail_attribute_dict = file:%h/dovecot-attributes
imap_metadata = yes
submission_relay_host = 127.0.0.1
submission_relay_port = $RELAY_PORT
submission_max_mail_size = 50M
mail_max_userip_connections = 50
mail_plugins = zlib
protocol imap {
  mail_plugins = zlib imap_zlib
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    $(special_use Drafts)
    auto = subscribe
  }
  mailbox Sent {
    $(special_use Sent)
    auto = subscribe
  }
  mailbox Trash {
    $(special_use Trash)
    auto = subscribe
  }
}
${EXTRA:-}
C
rm -rf "$STATE"/run/*
own_state
# shellcheck disable=SC2046 # a list of arguments
serve $(host_root) /usr/sbin/dovecot -F -c /state/dovecot.conf
