#!/usr/bin/env bash
# Make a virtual environment, or mend one, and install this checkout into it.
#
#     scripts/make_venv.sh PYTHON DIRECTORY REQUIREMENT
set -euo pipefail
python=$1 directory=$2 requirement=$3

fail() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "no $python here; install Python 3.10 or later, or say make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old, 3.10 is the least; say make PYTHON=/path/to/python3"

# Debian's python3 comes without the part of the venv module that brings pip.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
        fail "$python has no venv module; as root: apt-get install python3-venv"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null
fi

# An interpreter that was removed or upgraded leaves an environment that does not start: make it anew.
"$directory/bin/python" -c 'import pip' 2>/dev/null || "$python" -m venv --clear "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$requirement"
