#!/bin/sh
# Makes ./image of PgBouncer and a shell from Debian 13's packages. Nothing is installed: files are taken alone, so no
# script of a package runs, and what has no use here (perl, a supervisor) is left behind.
set -eu
mkdir -p apt/lists/partial cache/archives/partial whole image/usr/bin image/usr/sbin image/usr/lib image/usr/lib64
debian="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org"
for suite in "debian trixie" "debian trixie-updates" "debian-security trixie-security"; do
    echo "deb $debian/$suite main"
done > sources
cat > options <<TEXT
Dir::Etc { SourceList "$PWD/sources"; SourceParts "/dev/null"; };
Dir::State "$PWD/apt"; Dir::State::status "/dev/null"; Dir::Cache "$PWD/cache";
APT { Sandbox::User "root"; Keep-Downloaded-Packages "true"; };
TEXT
export APT_CONFIG="$PWD/options"
apt-get update
apt-get install -y --no-install-recommends --download-only base-files coreutils dash pgbouncer
# First what makes /bin a link to /usr/bin.
for package in cache/archives/base-files_* cache/archives/*.deb; do dpkg --extract "$package" whole; done
for link in bin sbin lib lib64; do [ ! -L whole/$link ] || cp -a whole/$link image/; done

take() {
    mkdir -p "image/$(dirname "$1")"
    cp -L "whole/$1" "image/$1"
}

# By each of its names: one of them stands in every program.
for loader in $(cd whole && find usr/lib usr/lib64 -name 'ld-linux*.so.*'); do take "$loader"; done
for program in usr/sbin/pgbouncer usr/bin/dash usr/bin/cat usr/bin/dirname usr/bin/sleep; do
    take "$program"
    for library in $(chroot whole "/$loader" --list "/$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'); do
        take "$library"
    done
done
ln -s dash image/usr/bin/sh
