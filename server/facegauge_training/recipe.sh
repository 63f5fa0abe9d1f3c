#!/bin/sh
# Make a student from photos: the val ladder, labels, training, measurement, export.
#
#   sh server/facegauge_training/recipe.sh --budget smoke|small|full [--faces DIR] [--cache DIR] [--out DIR]
#
#   smoke   4 faces, a few dozen steps: every step runs, the student is worthless; two minutes, goes to OUT
#   small   360 faces, 48,000 samples: half an hour on two cores
#   full    every face, two rounds of labels, 400,000 samples: a night on two cores
#
# A second run takes up what the cache holds, and a kill costs a minute of training or one photo of labelling.
# PYTHON names the interpreter (default: python).
set -eu

budget= faces=../shared/faces cache=$HOME/.cache/facegauge out=
while [ $# -gt 0 ]; do
    case $1 in
        --budget | --faces | --cache | --out)
            [ $# -ge 2 ] || { echo "recipe.sh: $1 needs a value" >&2; exit 2; }
            eval "${1#--}=\$2"
            shift 2
            ;;
        *) echo "recipe.sh: unknown option $1; see the head of this file" >&2; exit 2 ;;
    esac
done

case $budget in
    smoke) faces_train=4 faces_val=2 rounds=1 samples=384 out=${out:-$cache/smoke-out} cache=$cache/smoke ;;
    small) faces_train=360 faces_val=60 rounds=1 samples=48000 ;;
    full) faces_train=100000 faces_val=100000 rounds=2 samples=400000 ;;
    *) echo "recipe.sh: give --budget smoke, small or full" >&2; exit 2 ;;
esac
run=recipe-$budget
python=${PYTHON:-python}

# What students are measured on comes first.
$python -m facegauge_training.ladder --faces "$faces" --cache "$cache" --limit $faces_val

round=1
while [ $round -le $rounds ]; do
    $python -m facegauge_training.labels --faces "$faces" --cache "$cache" --round $round --limit $faces_train
    round=$((round + 1))
done

$python -m facegauge_training.student --cache "$cache" --run $run --samples $samples

# Export measures on the ladder; `evaluate` prints the whole table.
set -- --faces "$faces" --cache "$cache" --run $run --name "facegauge-small-$budget" --version 0.0.0
if [ -n "$out" ]; then
    set -- "$@" --out "$out"
else
    out=server/facegauge_server/assets/models
fi
$python -m facegauge_training.export "$@"
$python -m facegauge_training.evaluate --model "$out/facegauge-small-$budget/model.onnx" --cache "$cache"
