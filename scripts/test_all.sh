#!/usr/bin/env bash
# Run the test suite on every CPython from 3.10 on that is found, each in an environment of its own.
#
#     scripts/test_all.sh [argument of pytest]...
set -euo pipefail

find_interpreters() {
    local candidate
    IFS=: read -ra folders <<<"$PATH"
    for candidate in "${folders[@]/%//python3*}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
        # shellcheck disable=SC2086 # the pattern is to be expanded
        ls -d $candidate 2>/dev/null || true
    done
}

version_of() {
    "$1" -c 'import sys
if sys.implementation.name == "cpython" and sys.version_info >= (3, 10):
    print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

declare -A interpreters=()
while read -r candidate; do
    [[ ${candidate##*/} =~ ^python3(\.[0-9]+)?$ ]] || continue
    version=$(version_of "$candidate")
    [ -n "$version" ] && : "${interpreters[$version]:=$candidate}"
done < <(find_interpreters)

failed=()
for version in $(printf '%s\n' "${!interpreters[@]}" | sort -V); do
    environment=.venv/all/$version
    echo "== Python $version (${interpreters[$version]})"
    if [ ! "$environment/.installed" -nt pyproject.toml ]; then
        scripts/make_venv.sh "${interpreters[$version]}" "$environment" ".[test]"
        touch "$environment/.installed"
    fi
    "$environment/bin/pytest" "$@" || failed+=("$version")
done

[ ${#interpreters[@]} -gt 0 ] || { echo "make: no CPython from 3.10 on was found" >&2; exit 1; }
[ ${#failed[@]} = 0 ] || { echo "make: failed on Python ${failed[*]}" >&2; exit 1; }
