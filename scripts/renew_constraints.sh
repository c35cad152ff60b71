#!/bin/sh
# Resolve every dependency anew in a clean environment and pin what came out, by name and version.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/python" scripts/dev_requirements.py --all > "$scratch/requirements.txt"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$scratch/requirements.txt"
{
  sed -n '/^#/p' constraints.txt
  "$scratch/venv/bin/python" -m pip freeze
} > "$scratch/constraints.txt"
mv "$scratch/constraints.txt" constraints.txt
