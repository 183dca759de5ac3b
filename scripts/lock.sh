#!/usr/bin/env bash
# Pin every dependency with its hashes and no address; one solution for all three files.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
  local output=$1
  shift
  uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
    --python-version 3.11 --custom-compile-command "make lock" --extra demo "$@" \
    pyproject.toml --output-file "requirements/$output.txt"
}
compile dev --group dev
compile setup --group setup --constraint requirements/dev.txt
compile runtime --constraint requirements/dev.txt
