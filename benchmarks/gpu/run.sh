#!/usr/bin/env bash
# Everything that a GPU is for, on one card, in ten minutes at most: results and a page.
#
#   benchmarks/gpu/run.sh [--cpu] [--out DIR] [--wheels DIR] [--only "compare triton layers images networks"]
#
# It goes on where it stopped: cases that stand in DIR/results.jsonl are not run again. Wheels are for
# a machine without a network; they are installed beside its own packages. --cpu tries the script with
# its smallest cases on a machine without a card.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$here wheels="" only="compare triton layers images networks" cpu="" budget=200
while [ $# -gt 0 ]; do
  case $1 in
    --cpu) cpu=1 ;;
    --out) out=$2; shift ;;
    --wheels) wheels=$2; shift ;;
    --only) only=$2; shift ;;
    --budget) budget=$2; shift ;;  # seconds for the comparison
    *) echo "unknown argument $1" >&2; exit 2 ;;
  esac
  shift
done
python=${PYTHON:-python3}
mkdir -p "$out"
results=$out/results.jsonl
site=${TMPDIR:-/tmp}/neurosim-gpu-site
if [ -n "$wheels" ]; then
  "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
    --target "$site" "$wheels"/*.whl || exit 1
  export PYTHONPATH=$site
  # SpikingJelly's kernels in CuPy are those of the release before, beside the new one.
  if [ -d "$wheels/old" ]; then
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
      --target "$site-old" "$wheels"/old/*.whl && export SPIKINGJELLY_OLD=$site-old
  fi
fi
export PYTHONPATH=$root:$root/benchmarks${PYTHONPATH:+:$PYTHONPATH}
cd "$root" || exit 1
"$python" "$here/ledger.py" "$results" || exit 1
for step in $only; do
  echo "== $step"
  case $step$cpu in
    compare) "$python" "$here/compare.py" "$results" --budget "$budget" ;;
    compare1) "$python" "$here/compare.py" "$results" --target cpp_standalone --reference library \
      --smallest --jobs 1 --budget "$budget" ;;
    triton*) "$python" "$here/kernels.py" "$results" ${cpu:+--cpu} ;;
    networks*) timeout 200 "$python" "$here/networks.py" "$results" \
      ${cpu:+--small --target cpp_standalone} ;;
    layers*|images*) timeout 240 "$python" "$here/$step.py" "$results" ${cpu:+--cpu} ;;
  esac
done
"$python" "$here/page.py" "$results" "$out/results.md"
