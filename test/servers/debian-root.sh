#!/bin/bash
# debian-root.sh SUITE ROOT PACKAGE...: unpacks packages of another Debian suite, with what they depend on, into the
# folder ROOT. Nothing is installed on the host: apt only downloads, dpkg -x only unpacks. The mirror is the one that
# this host's apt uses.
set -euo pipefail
. "$(dirname "$0")/sandbox.sh"
suite=$1 root=$2
shift 2
work=$CACHE/apt-$suite
mkdir -p "$work"/{lists/partial,cache/archives/partial,prefs,parts}
touch "$work/status"
exec 9>"$work/lock"
flock 9 # two first starts at once must not share the download folder
[ ! -e "$root/.complete" ] || exit 0
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1 || true)
[ -n "$mirror" ] || { echo 'no Debian mirror in the apt sources: run apt-get update first' >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<C
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::parts "$work/parts";
Dir::Etc::preferencesparts "$work/prefs";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
C
export APT_CONFIG="$work/apt.conf"
apt-get update -qq
rm -f "$work"/cache/archives/*.deb
apt-get install -y -qq -d --no-install-recommends "$@" >/dev/null
final=$root root=$root.tmp
rm -rf "$root" "$final"
mkdir -p "$root"
for deb in "$work"/cache/archives/*.deb; do dpkg -x "$deb" "$root"; done
for folder in bin sbin lib lib64; do [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"; done
mkdir -p "$root"/{dev,proc,tmp,state,run}
chmod 1777 "$root/tmp"
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nmail:x:8:\n' >"$root/etc/group"
rm -rf "$work/cache" # the packages and apt's index: what is unpacked is all that is needed
touch "$root/.complete"
mv "$root" "$final"
