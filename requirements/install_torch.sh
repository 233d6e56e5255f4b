#!/bin/sh
# Installs torch into the environment of a Python: requirements/install_torch.sh .venv/bin/python PAGE_OF_CPU_BUILDS
# 1. The build that pip's own settings offer (find-links): somebody's own, trusted as it is.
# 2. On Linux without an NVIDIA device: PyTorch's CPU build, by its hash. PyPI's brings gigabytes of CUDA along. Left out
#    where pip has an index or links of its own; a page that cannot be reached costs five seconds at most.
# 3. The build of PyPI or of pip's own index, by its hash.
set -eu
python=$1 page=$2
pip() { "$python" -m pip install --disable-pip-version-check --no-deps "$@"; }
has_own_source() { "$python" -m pip config list | grep -qE "[.](index-url|extra-index-url|find-links|no-index)="; }

pip --quiet --no-index "$(grep '^torch==' constraints.txt)" 2> /dev/null && exit
if [ "$(uname -s)" = Linux ] && ! ls /dev/nvidia[0-9]* > /dev/null 2>&1 && ! has_own_source; then
  hashes=$(mktemp)
  trap 'rm -f "$hashes"' EXIT
  sed -n '/^torch==/,/[^\\]$/p' requirements/worker-cpu.txt > "$hashes"
  pip --require-hashes --no-index --find-links "$page" --timeout 5 --retries 0 --requirement "$hashes" && exit
  echo "PyTorch's CPU build cannot be had; PyPI's is installed instead"
fi
pip --require-hashes --requirement requirements/torch.txt
