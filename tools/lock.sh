#!/usr/bin/env bash
# Writes constraints.txt from pyproject.toml: every package that `make` installs, for Python 3.11 and newer on Linux,
# macOS and Windows, as names, versions, markers and the registry's hashes. No address, no path: whoever installs
# decides where from. Versions that still fit are kept; `--upgrade` or `--upgrade-package NAME` moves them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv_version=0.13.8 # UV=path takes another one
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT

uv=${UV:-}
if [ -z "$uv" ]; then
    "${PYTHON:-python3}" -m venv "$box/venv"
    "$box/venv/bin/python" -m pip install --quiet --only-binary :all: "uv==$uv_version"
    uv=$box/venv/bin/uv
fi

# Written beside and moved at the end, so that a failed run leaves the old lock whole.
[ ! -f constraints.txt ] || cp constraints.txt "$box/constraints.txt"
"$uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 --only-binary :all: \
    --generate-hashes --custom-compile-command "make lock" --quiet -o "$box/constraints.txt" "$@"

if grep -nE '://|--(extra-)?index|--find-links|--trusted-host' "$box/constraints.txt"; then
    echo "lock: the lines above name an address; constraints.txt is left as it was" >&2
    exit 1
fi
cp "$box/constraints.txt" constraints.txt
echo "lock: $(grep -c '==' constraints.txt) packages in constraints.txt"
