#!/bin/sh
# Rewrites packaging/requirements.txt, the one lock for all platforms and Pythons. Needs `uv`.
# NCCL (GPU communication, 300 MB) is left out: xgboost asks for it on Linux and only uses it on GPUs.
cd "$(dirname "$0")/.." || exit 1
exec uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras \
    --no-emit-index-url --no-annotate --no-header --quiet \
    --no-emit-package nvidia-nccl-cu12 --no-emit-package nvidia-nccl-cu13 \
    pyproject.toml --output-file packaging/requirements.txt "$@"
