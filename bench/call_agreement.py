"""How the score of a call agrees with its truth: figures, a table and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import pearsonr, spearmanr

from bench.call_truth import Second

__all__ = ["Agreement", "agreement", "write_plot", "write_table"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the seconds of one call."""

    seconds: int
    srocc: float
    plcc: float
    mean_difference: float
    """Score less truth."""
    rmse: float
    least_truth: float
    most_truth: float


def agreement(seconds: Sequence[Second]) -> Agreement:
    """Compare score and truth, second by second."""
    quality = np.array([one.quality for one in seconds])
    truth = np.array([one.truth for one in seconds])
    difference = quality - truth
    return Agreement(
        seconds=len(seconds),
        srocc=float(spearmanr(quality, truth)[0]),
        plcc=float(pearsonr(quality, truth)[0]),
        mean_difference=float(difference.mean()),
        rmse=float(np.sqrt((difference**2).mean())),
        least_truth=float(truth.min()),
        most_truth=float(truth.max()),
    )


def write_table(rows: Sequence[tuple[str, str, Agreement]], console: Console) -> None:
    """Print a row for each call."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("clip", "codec", "seconds", "VMAF/100", "SROCC", "PLCC", "mean diff.", "RMSE"):
        table.add_column(name, justify="left" if name in ("clip", "codec") else "right")
    for clip, codec, one in rows:
        table.add_row(
            clip,
            codec,
            f"{one.seconds}",
            f"{one.least_truth:.2f}-{one.most_truth:.2f}",
            f"{one.srocc:.3f}",
            f"{one.plcc:.3f}",
            f"{one.mean_difference:+.3f}",
            f"{one.rmse:.3f}",
        )
    console.print(table)


def write_plot(path: Path, calls: Sequence[tuple[str, Sequence[Second]]]) -> None:
    """Draw score, truth and bitrate over the time of each call."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(calls), 1, figsize=(9, 2.2 * len(calls)), layout="constrained", squeeze=False, sharex=True
    )
    for axis, (name, seconds) in zip(axes[:, 0], calls, strict=True):
        times_s = [one.at_s for one in seconds]
        axis.plot(times_s, [one.truth for one in seconds], "k.-", label="VMAF/100 of the face")
        axis.plot(times_s, [one.quality for one in seconds], "C0.-", label="score")
        axis.set(ylim=(0, 1), ylabel="quality", title=name)
        rate = axis.twinx()
        rate.plot(times_s, [one.kbit_per_s for one in seconds], "C1:", label="bitrate")
        rate.set(ylabel="kbit/s", yscale="log")
    axes[0, 0].legend(loc="lower right")
    axes[-1, 0].set(xlabel="s")
    figure.savefig(path, dpi=100)
    plt.close(figure)
