#!/usr/bin/env bash
# Run the tests with the lowest versions that pyproject.toml allows, except torch, in .venv-lowest.
#
#   tools/lowest.sh [arguments of pytest]
#
# PYTHON  interpreter (python3)
# TORCH   version of torch (that of constraints.txt): its lowest one comes with gigabytes of CUDA packages
#
# uv resolves and pip installs, so that torch comes in the build that pip is offered. Where UV_TORCH_BACKEND names a
# build, as cpu, uv installs too.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
torch=${TORCH:-$(sed -n 's/^torch==//p' constraints.txt)}

test -x .venv-uv/bin/uv || { "$python" -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv; }
test -x .venv-lowest/bin/python || "$python" -m venv .venv-lowest

echo "torch==$torch" > .venv-lowest/torch.txt
.venv-uv/bin/uv pip compile --quiet --no-header --no-annotate --resolution lowest-direct --extra dev \
    --python .venv-lowest/bin/python --constraint .venv-lowest/torch.txt pyproject.toml \
    | grep -vE '^(torch|cuda-[a-z]+|nvidia-[a-z0-9-]+)==' > .venv-lowest/lowest.txt
cat .venv-lowest/torch.txt >> .venv-lowest/lowest.txt
install=(.venv-lowest/bin/python -m pip install)
test -z "${UV_TORCH_BACKEND:-}" || install=(.venv-uv/bin/uv pip install --python .venv-lowest/bin/python)
"${install[@]}" --quiet --requirement .venv-lowest/lowest.txt
.venv-lowest/bin/python -m pip install --quiet --no-deps --editable .
.venv-lowest/bin/python -m pip check

.venv-lowest/bin/python -m pytest -q "$@"
