"""Figures of agreement between scores and labels, as the challenge's report has them, and their intervals.

SROCC is Spearman's rank correlation, PLCC Pearson's: as it is (`plcc`), and after the customary logistic
curve of four parameters has mapped scores onto labels (`plcc_fitted`), which is what the winner reported.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import ConstantInputWarning, NearConstantInputWarning, pearsonr, spearmanr

from facegauge_training.common.errors import RecipeError

__all__ = [
    "agreement",
    "bootstrap",
    "cause_metrics",
    "challenge_report",
    "group_draws",
    "intervals",
    "logistic_fit",
    "members",
    "ordered_pairs",
    "srocc_within",
    "validation_metrics",
]

Floats = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.intp]
PAIR_GAP = 0.05


def agreement(scores: Floats, labels: Floats) -> dict[str, float]:
    """Return SROCC, PLCC as it is and after the fit, and RMSE, of scores (n,) against labels (n,)."""
    fitted = logistic_fit(scores, labels)(scores)
    return {
        "srocc": round(float(spearmanr(scores, labels)[0]), 4),
        "plcc": round(_plcc(scores, labels), 4),
        "plcc_fitted": round(_plcc(fitted, labels), 4),
        "rmse": round(float(np.sqrt(np.mean((scores - labels) ** 2))), 4),
    }


def challenge_report(
    scores: Floats, labels: Floats, groups: tuple[str, ...], resamples: int = 1000
) -> dict[str, float | int | list[float]]:
    """Return what the challenge's report gives, with 95% intervals by bootstrap over groups.

    `score` is (SROCC + PLCC) / 2; names that end in `_fitted` come after the logistic curve.

    Raises:
        RecipeError: all scores or all labels are equal, so that nothing can be correlated.
    """
    for name, values in (("scores of the model", scores), ("labels", labels)):
        if not np.isfinite(values).all() or np.ptp(values) == 0:
            raise RecipeError(
                f"The {name} are all {values[0]:.4g} or not finite: there is no correlation. "
                "Measure on labels that differ, or train the model further."
            )
    figures = agreement(scores, labels)
    fitted = logistic_fit(scores, labels)(scores)

    def correlations(chosen: Chosen) -> tuple[float, ...] | None:
        if not all(np.ptp(values[chosen]) for values in (scores, labels, fitted)):
            return None
        srocc = float(spearmanr(scores[chosen], labels[chosen])[0])
        plccs = [_plcc(x[chosen], labels[chosen]) for x in (scores, fitted)]
        return srocc, *plccs, (srocc + plccs[0]) / 2, (srocc + plccs[1]) / 2

    low, high = bootstrap(np.array(groups), correlations, resamples)
    names = ("srocc", "plcc", "plcc_fitted", "score", "score_fitted")
    return {
        "pictures": len(scores),
        "groups": len(set(groups)),
        **figures,
        "rmse_fitted": round(float(np.sqrt(np.mean((fitted - labels) ** 2))), 4),
        "score": round((figures["srocc"] + figures["plcc"]) / 2, 4),
        "score_fitted": round((figures["srocc"] + figures["plcc_fitted"]) / 2, 4),
        **{
            f"{name}_interval_95": [round(float(low[i]), 4), round(float(high[i]), 4)]
            for i, name in enumerate(names)
        },
    }


def srocc_within(scores: Floats, labels: Floats, groups: npt.NDArray[np.str_]) -> float:
    """Return the mean over groups of SROCC within a group, where a group's own offset does not count.

    Groups whose labels are all equal have no order and are left out; equal scores of others count 0.

    Raises:
        RecipeError: no group is left.
    """
    figures = [
        float(spearmanr(scores[rows], labels[rows])[0]) if np.ptp(scores[rows]) else 0.0
        for rows in members(groups)
        if np.ptp(labels[rows])
    ]
    if not figures:
        raise RecipeError("No group has labels that differ: measure on several pictures of each face.")
    return round(float(np.mean(figures)), 4)


def validation_metrics(scores: Floats, labels: Floats) -> dict[str, float | None]:
    """Return SROCC, PLCC, RMSE and Score while a network trains; None where equal scores have no order."""
    rmse = float(np.sqrt(np.mean((scores - labels) ** 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        srocc, plcc = float(spearmanr(scores, labels)[0]), _plcc(scores, labels)
    if not (np.isfinite(srocc) and np.isfinite(plcc)):
        return {"srocc": None, "plcc": None, "score": None, "rmse": rmse}
    return {"srocc": srocc, "plcc": plcc, "score": (srocc + plcc) / 2, "rmse": rmse}


def cause_metrics(predicted: Floats, gains: Floats, least: float = 0.1) -> dict[str, float | None]:
    """Return how well causes (n, causes) agree with what was measured, over rows without NaN.

    `cause_mae` is the mean absolute error of a gain; `named_first` the share of rows whose largest gain is
    `least` or more, in which the same cause has the largest prediction. None where no row can tell.
    """
    known = ~np.isnan(gains).any(axis=1)
    predicted, gains = predicted[known], gains[known]
    costly = gains.max(axis=1, initial=0.0) >= least
    first = predicted[costly].argmax(axis=1) == gains[costly].argmax(axis=1)
    return {
        "cause_mae": float(np.abs(predicted - gains).mean()) if known.any() else None,
        "named_first": float(first.mean()) if costly.any() else None,
    }


def logistic_fit(scores: Floats, labels: Floats) -> Callable[[Floats], Floats]:
    """Return the monotone curve of four parameters that maps scores onto labels; itself if none fits."""

    def curve(x: Floats, top: float, bottom: float, middle: float, slope: float) -> Floats:
        return np.asarray(bottom + (top - bottom) / (1 + np.exp(-np.clip((x - middle) * slope, -50, 50))))

    # Unbounded networks need not score around 0.5: begin where the scores are.
    unit = bool(((scores >= 0) & (scores <= 1)).all())
    middle, slope = (0.5, 5.0) if unit else (float(scores.mean()), 2 / max(1e-6, float(scores.std())))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            parameters, _ = curve_fit(curve, scores, labels, (1.0, 0.0, middle, slope), maxfev=5000)
    except (RuntimeError, TypeError):  # it does not converge, or there are fewer scores than parameters
        return lambda x: x
    if not np.ptp(curve(scores, *parameters)) > 1e-9:  # flat: no curve for scores without any relation
        return lambda x: x
    return lambda x: curve(x, *parameters)


def intervals(
    scores: Floats, labels: Floats, groups: npt.NDArray[np.str_], resamples: int
) -> dict[str, list[float]]:
    """Return 95% intervals of SROCC and PLCC by bootstrap over groups (a face's crops go together).

    Raises:
        RecipeError: too many scores or labels are equal.
    """

    def correlations(chosen: Chosen) -> tuple[float, ...] | None:
        if not (np.ptp(scores[chosen]) and np.ptp(labels[chosen])):
            return None
        pairs = scores[chosen], labels[chosen]
        return float(spearmanr(*pairs)[0]), _plcc(*pairs)

    low, high = bootstrap(groups, correlations, resamples)
    return {
        name: [round(float(low[i]), 4), round(float(high[i]), 4)] for i, name in enumerate(("srocc", "plcc"))
    }


def bootstrap(
    groups: npt.NDArray[np.str_], measure: Callable[[Chosen], tuple[float, ...] | None], resamples: int
) -> tuple[Floats, Floats]:
    """Return both ends, each (figures,), of 95% intervals; the same groups are drawn at every call.

    Args:
        groups: of each row (n,).
        measure: gives the figures of the chosen rows, None where they are not defined: others are drawn then.
        resamples: how many to draw.

    Raises:
        RecipeError: the figures are hardly ever defined.
    """
    places = members(groups)
    drawn: list[tuple[float, ...]] = []
    for draw in group_draws(len(places), 20 * resamples):
        if len(drawn) == resamples:
            break
        figures = measure(np.concatenate([places[i] for i in draw]))
        if figures is not None:
            drawn.append(figures)
    if len(drawn) < resamples:
        raise RecipeError("Too many labels or scores are equal for an interval: measure on more pictures.")
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return low, high


def members(groups: npt.NDArray[np.str_]) -> list[Chosen]:
    """Return the places of each group's rows, in the order of the groups' names."""
    names, number = np.unique(groups, return_inverse=True)
    return [np.flatnonzero(number == n) for n in range(len(names))]


def group_draws(groups: int, resamples: int) -> Iterator[Chosen]:
    """Yield groups drawn with replacement, by number (groups,), the same ones at every call."""
    rng = np.random.default_rng(0)
    for _ in range(resamples):
        yield rng.integers(groups, size=groups)


def ordered_pairs(
    scores: Floats,
    labels: Floats,
    family: npt.NDArray[np.str_],
    step: npt.NDArray[np.int_],
    face: npt.NDArray[np.str_],
    families: list[str],
) -> dict[str, float | int]:
    """Return the shares of a ladder's pairs in order: neighbouring steps, and two or more apart.

    Pairs of one face within a family count whose labels differ by `PAIR_GAP` or more.
    """
    right: dict[bool, list[bool]] = {False: [], True: []}
    for name in sorted(set(face)):
        for kind in families:
            chosen = np.flatnonzero((face == name) & np.isin(family, (kind, "pristine")))
            for a, b in combinations(chosen, 2):
                gap = labels[a] - labels[b]
                if abs(gap) >= PAIR_GAP:
                    right[bool(abs(step[a] - step[b]) >= 2)].append(bool(gap * (scores[a] - scores[b]) > 0))
    return {
        "neighbours": round(float(np.mean(right[False])), 4) if right[False] else float("nan"),
        "neighbours_pairs": len(right[False]),
        "two_apart": round(float(np.mean(right[True])), 4) if right[True] else float("nan"),
        "two_apart_pairs": len(right[True]),
    }


def _plcc(x: Floats, y: Floats) -> float:
    """Return Pearson's correlation; an untrained network's scores may well be nearly constant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NearConstantInputWarning)
        return float(pearsonr(x, y)[0])
