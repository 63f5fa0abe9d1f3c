"""The page that compares students: a Markdown table, a plot, and which two to ship."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facegauge_training.common.atomic import atomic_file, write_text
from facegauge_training.common.marked import put_marked
from facegauge_training.data.crop_set import crop_height

__all__ = ["StudentRow", "draw", "markdown", "put_table"]


@dataclass(frozen=True, slots=True)
class StudentRow:
    """What was measured of one student."""

    run: str
    backbone: str
    width: int
    """Width of its crops, px."""
    initialisation: str
    teacher: str
    samples: int
    gmacs: float
    """Multiply-adds in 1e9."""
    parameters_m: float
    ms: float
    """CPU time of one crop, OpenVINO, float32, one core; the smallest of the turns' medians."""
    srocc: float
    plcc: float
    rmse: float
    neighbours: float
    """Share of neighbouring steps in order."""
    srocc_low: float
    srocc_high: float
    """95% interval."""


def markdown(rows: list[StudentRow], limit_ms: float) -> str:
    """Return the table, the best agreement first, and which two to ship."""
    lines = [
        "| run | backbone | crop | from | teacher | samples | GMACs | M | ms | SROCC | PLCC | RMSE | order |",
        "|---" * 13 + "|",
    ]
    ranked = sorted(rows, key=_merit, reverse=True)
    for r in ranked:
        cells = (
            r.run,
            r.backbone,
            f"{r.width}x{crop_height(r.width)}",
            r.initialisation,
            r.teacher,
            f"{r.samples:,}",
            f"{r.gmacs:.3f}",
            f"{r.parameters_m:.2f}",
            f"{r.ms:.1f}",
            f"{r.srocc:.3f} ({r.srocc_low:.3f} to {r.srocc_high:.3f})",
            f"{r.plcc:.3f}",
            f"{r.rmse:.3f}",
            f"{r.neighbours:.1%}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    default = next((r.run for r in ranked if r.ms <= limit_ms), None)
    edgenext = next((r.run for r in ranked if r.backbone.startswith("edgenext")), None)
    lines += [
        "",
        f"Best within {limit_ms:g} ms: {default or 'none'}. Best EdgeNeXt: {edgenext or 'none'}.",
    ]
    return "\n".join(lines)


def draw(rows: list[StudentRow], limit_ms: float, path: Path) -> None:
    """Write the plot, a PNG: SROCC with its interval against milliseconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for r in rows:
        reach = [[max(0.0, r.srocc - r.srocc_low)], [max(0.0, r.srocc_high - r.srocc)]]
        said = f"{r.run}, {r.samples:,} samples"
        axes.errorbar(r.ms, r.srocc, yerr=reach, fmt="o", capsize=3, label=said)
    axes.axvline(limit_ms, color="grey", linestyle=":")
    axes.set_xlim(0, 1.2 * max([limit_ms, *(r.ms for r in rows)]))
    axes.set_xlabel("ms a face, one core, float32 (OpenVINO)")
    axes.set_ylabel("SROCC on the val ladder, 95% interval")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=110)


def put_table(path: Path, text: str, plot: Path | None) -> None:
    """Write the table between the marks of a Markdown file, which is made if it is missing.

    Raises:
        RecipeError: the file has no marks.
    """
    if not path.is_file():
        write_text(path, "# Students\n\n<!-- students -->\n<!-- /students -->\n")
    shown = f"{text}\n\n![Agreement against time]({plot.name})" if plot else text
    put_marked(path, {"students": shown})


def _merit(row: StudentRow) -> float:
    return (row.srocc + row.plcc) / 2
