"""The recipes of the fourteen systems, transcribed from section 3 of the challenge report.

Each says where the report is silent and what is used here instead. Not stated by any team and ours
everywhere: gradients are clipped at a norm of 5, the last batch of an epoch is left out when it is not full,
statistics of batch normalisation are estimated anew before each look (`batch_statistics`), the head begins
as `head_start` says, and a GPU computes in mixed precision, as MediaForensics' did. Ours where the report
does not say otherwise: a tenth of the groups is held out for validation, the weights with the best Score on
it are each stage's result, and a stage runs to its end. Most teams start from ImageNet's weights; so does
`--pretrained`, where they can be had.
"""

from __future__ import annotations

from dataclasses import replace

import facegauge_models
from facegauge_models.registry import Preprocessing
from facegauge_training.challenge.recipe import Augmentation, RateSchedule, Recipe, Stage
from facegauge_training.common.errors import RecipeError

__all__ = ["RECIPES", "find_recipe"]


def _train(system: str) -> Preprocessing:
    return facegauge_models.info(system).train


def _sized(system: str, side: int, crop: int) -> Preprocessing:
    return replace(_train(system), size=(side, side), crop=(crop, crop))


def _tenfold(every: int) -> RateSchedule:
    return RateSchedule("step", every=every, factor=0.1)


WARM_COSINE = RateSchedule("cosine", warm_up=3)
PERIOD_5 = RateSchedule("cosine", every=5)
FLIP = Augmentation(flip=True)
MSPT_512 = replace(_train("mediaforensics"), crop=(512, 512))
MSPT_640 = _train("mediaforensics")

_ALL = (
    Recipe(
        "ecnu-sjtu", "3.1", "adamw", 1e-6, "mse+plcc",
        (Stage(30, 1e-4, _tenfold(10), 32, _train("ecnu-sjtu")),),
        "The weights of the two losses: 1 and 1. Their 400,000 pictures with pseudo-labels are unpublished: "
        "`--teacher` and `--unlabelled` label your own; without them it learns from the labels alone.",
        {"mse_weight": 1.0}, held_out=0.2, distillation="pseudo-labels", teacher="swin-b",
    ),
    Recipe(
        "mediaforensics", "3.2", "adamw", 1e-2, "l1-rank",
        (
            Stage(50, 1e-3, PERIOD_5, 256, MSPT_512, "size 512", fixed_from=0.8),
            Stage(20, 1e-4, PERIOD_5, 256, MSPT_640, "size 640", fixed_from=0.0),
            Stage(
                20, 1e-4, PERIOD_5, 256, MSPT_640, "all rows", all_rows=True, average=True, fixed_from=0.0
            ),
        ),
        "Weight decay: PyTorch's. Least rate of the cosine: 0. Statistics of batch normalisation: those of "
        "the test, from the last fifth of the first stage on. With each batch's own, nothing in training "
        "tells of pictures that lie far off: after 136 steps a photo before a white wall was tested at -27, "
        "and SROCC was 0.62 where PLCC was 0.12.",
        augmentation=Augmentation(flip=True, quarter_turns=True), keep="average",
    ),
    Recipe(
        "next", "3.3", "adamw", 1e-2, "mse",
        (Stage(50, 5e-4, WARM_COSINE, 64, _train("next")),),
        "Epochs: 50. Batch: 64. Equations and weights of the three levels: squared error to the labels, plus "
        "the cosine of the embeddings, plus the divergence of the grades, 1 each. GFIQA-20k: its teacher's.",
        distillation="grades", teacher="clip-vit-b32",
    ),
    Recipe(
        "athenaface", "3.4", "adam", 1e-5, "mse+corr",
        (
            Stage(20, 5e-4, _tenfold(5), 64, _train("athenaface"), "merged data", extra="joined"),
            Stage(
                20, 1e-4, _tenfold(5), 64, _train("athenaface"), "own data",
                frozen_epochs=8, backbone_rate=0.5, fixed_from=0.8,
            ),
        ),
        "alpha: 1. Whose rate is halved: the backbone's once it moves. Theirs trained one branch after the "
        "other; here both see the same batches side by side, each with its own loss, limit on its gradients "
        "and best weights. Early stopping's patience: not stated, so the best weights are kept instead. "
        "Statistics of batch normalisation: those of the test in the last fifth, as RegNet's. "
        "GFIQA-20k is `--extra-images`; without it both stages see the same rows.",
        branches=(("mobilenet.", "mobilenet_head."), ("shufflenet.", "shufflenet_head.")),
        head=("mobilenet_head.", "shufflenet_head."),
    ),
    Recipe(
        "njupt", "3.5", "adamw", 1e-2, "mse",
        (Stage(30, 1e-4, RateSchedule("step", every=2, factor=0.9), 64, _train("njupt")),),
        'Loss: squared error. Weight decay: PyTorch\'s. "30 iterations" are read as epochs.',
    ),
    Recipe(
        "ecnu-vis", "3.6", "adam", 0.0, "mse",
        (Stage(50, 1e-4, RateSchedule("cosine"), 64, _train("ecnu-vis"), extra="joined"),),
        "Loss: squared error. Epochs: 50. Batch: 64. GFIQA and CGFIQA are `--extra-images`.",
    ),
    Recipe(
        "jnu620", "3.7", "adam", 0.0, "mse",
        (
            Stage(50, 5e-4, _tenfold(5), 32, _sized("jnu620", 244, 224), "size 224"),
            Stage(100, 5e-5, _tenfold(5), 32, _sized("jnu620", 276, 256), "size 256"),
        ),
        "Weight decay: none. Which weights are kept: the best of each stage. The 30k faces in the wild of "
        "the second stage are read as the challenge's own, whose number DERS rounds so too.",
        augmentation=FLIP,
    ),
    Recipe(
        "iseecv", "3.8 and appendix B", "adam", 0.0, "coreface",
        (Stage(50, 1e-3, RateSchedule("milestones", milestones=(0.6, 0.8)), 32, _train("iseecv")),),
        "Epochs: 50, falling at 60% and 80%. Batch: 32. alpha and beta of equation 14, weight of SSAR: 1. "
        "lambda of its margins: 0.1. Degradations: blur, noise, reduction. Strata of the sampler: "
        "10. The crop at test is the centre, not a random one.",
        sampler="stratified", ssar=True,
    ),
    Recipe(
        "regnet", "3.9", "adam", 0.0, "mse+plcc",
        (Stage(50, 5e-4, _tenfold(5), 32, _train("regnet"), extra="joined", fixed_from=0.8),),
        "Most epochs: 50. Batch: 32. gamma of StepLR: PyTorch's 0.1. Rotation: up to 10 degrees. Weights of "
        "the two losses: 1 and 1. CGFIQA is `--extra-images`, of which 30% is held out too. Statistics of "
        "batch normalisation: those of the test in the last fifth, since its excitations multiply what lies "
        "far off: with each batch's own to the end, a photo was tested at 3.2.",
        {"mse_weight": 1.0}, augmentation=Augmentation(flip=True, rotation=10.0), sampler="tails",
        held_out=0.3, extra_held_out=True, patience=7,
    ),
    Recipe(
        "conquerit", "3.10", "adam", 0.0, "conquerit",
        (Stage(50, 1e-3, RateSchedule("plateau", every=3, factor=0.1), 32, _train("conquerit")),),
        "Optimiser: Adam. Rate: 1e-3. Epochs: 50. Batch: 32. Plateau: 3 epochs, a tenth. alpha, lambda: 0.5. "
        "Smoothing 0.02, gamma 1, s 1. Where the 224x224 of training are cut from the 240x240 of the test: "
        "at random.",
    ),
    Recipe(
        "bit-ssvgg", "3.11", "adam", 5e-4, "mse",
        (Stage(50, 2e-5, RateSchedule(), 32, _train("bit-ssvgg")),),
        "Loss: squared error. Batch: 32. RateSchedule: none.",
        augmentation=FLIP,
    ),
    Recipe(
        "2077agent", "3.12", "adam", 1e-5, "hybrid",
        (Stage(100, 1e-4, _tenfold(5), 32, _train("2077agent")),),
        "The student's optimiser and epochs: its teacher's. Batch: 32. Equation of HybridLoss: see there. "
        "Pictures are resized as at test: the teacher's random crops would be far larger than 224.",
        augmentation=FLIP, distillation="scores", teacher="emov2-5m",
    ),
    Recipe(
        "ders", "3.13", "adam", 1e-4, "mse",
        (Stage(200, 2e-3, _tenfold(5), 32, _train("ders")),),
        "Batch: 32.",
        augmentation=FLIP,
    ),
    Recipe(
        "baseline", "2.2", "adam", 1e-5, "mse",
        (Stage(20, 5e-4, RateSchedule(), 64, _train("baseline")),),
        "RateSchedule: none. The crop at test is the centre, not a random one.",
    ),
    Recipe(
        "swin-b", "3.1", "adamw", 1e-6, "mse+plcc",
        (Stage(30, 1e-4, _tenfold(10), 32, _train("swin-b")),),
        "A teacher. The second round of self-training is a second run with `--teacher` and `--unlabelled`.",
        {"mse_weight": 1.0}, held_out=0.2, distillation="pseudo-labels", teacher="swin-b",
    ),
    Recipe(
        "clip-vit-b32", "3.3", "adamw", 1e-2, "mse",
        (
            Stage(50, 5e-4, WARM_COSINE, 64, _train("clip-vit-b32"), "other data", extra="alone"),
            Stage(50, 5e-4, WARM_COSINE, 64, _train("clip-vit-b32"), "own data"),
        ),
        "A teacher. Loss: squared error. Epochs: 50, twice. Batch: 64. GFIQA-20k is `--extra-images`; "
        "without it the first stage is left out.",
    ),
    Recipe(
        "emov2-5m", "3.12", "adam", 1e-5, "hybrid",
        (Stage(100, 1e-4, _tenfold(5), 32, _train("emov2-5m")),),
        "A teacher, which theirs taught on GFIQA alone: give that as `--images`. Its loss: the student's. "
        "Batch: 32.",
        augmentation=FLIP,
    ),
    Recipe(
        "efficientnet-lite2", "none", "adamw", 1e-2, "mse+plcc",
        (Stage(10, 3e-4, RateSchedule("cosine", warm_up=1), 32, _train("efficientnet-lite2")),),
        "All: a teacher of ours, for want of a GPU.",
        augmentation=FLIP,
    ),
    Recipe(
        "efficientnet-lite0", "none", "adamw", 1e-2, "mse+plcc",
        (Stage(10, 3e-4, RateSchedule("cosine", warm_up=1), 32, _train("efficientnet-lite0")),),
        "All: a teacher of ours, for want of a GPU.",
        augmentation=FLIP,
    ),
)  # fmt: skip

RECIPES: dict[str, Recipe] = {recipe.system: recipe for recipe in _ALL}
"""Every recipe by its system: the fourteen by rank, then the teachers'."""


def find_recipe(system: str) -> Recipe:
    """Return a system's recipe.

    Raises:
        RecipeError: there is none of this name.
    """
    if system not in RECIPES:
        raise RecipeError(f"There is no system {system!r}. Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[system]
