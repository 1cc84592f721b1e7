#!/usr/bin/env bash
# Install the programs that tests run besides Python's: where that cannot be, those tests skip and say so.
set -euo pipefail

declare -A package_of=(
    [chromium]=chromium
    [haproxy]=haproxy
    [openssl]=openssl
    [storescu]=dcmtk
    [strace]=strace
    [systemd-socket-activate]=systemd
)
missing=()
for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[ ${#missing[@]} = 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "make: without ${missing[*]} some tests are skipped; as root: apt-get install ${missing[*]}" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    echo "make: could not install ${missing[*]}; some tests are skipped" >&2
