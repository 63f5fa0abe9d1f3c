"""`facegauge calibrate`: viewers' ratings of clips -> a calibration file for the server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from facegauge_client.calibration.qualities import read_qualities
from facegauge_client.calibration.ratings import Ratings, read_ratings, with_qualities
from facegauge_client.cli.output import new_file, open_console
from facegauge_client.sdk.types import Model

__all__ = ["calibrate"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  facegauge replay clips/*.mp4 --speed max --json clips.jsonl
  facegauge calibrate ratings.csv --qualities clips.jsonl -o calibration.json
  facegauge-server --calibration calibration.json

RATINGS.csv has a line for each vote, and a first line that names its columns: clip (the stream_id in the
JSON file, which is the video's file name), rating (1 bad to 5 excellent), rater if you know it, and quality
if it stands there and not in a JSON file.""",
)
@click.argument("ratings_path", metavar="RATINGS.csv", type=_FILE)
@click.option(
    "--qualities",
    "quality_paths",
    metavar="OUT.jsonl",
    multiple=True,
    type=_FILE,
    help="File of `facegauge replay --json` with the clips; give it again for another file.",
)
@click.option("--model-name", help="Student that the CSV file's own qualities come from.")
@click.option("--model-sha256", help="Hash of its file, as facegauge_model_info and the manifest have it.")
@click.option(
    "-o",
    "--output",
    "output_path",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Calibration file to write.",
)
def calibrate(
    ratings_path: Path,
    quality_paths: tuple[Path, ...],
    model_name: str | None,
    model_sha256: str | None,
    output_path: Path,
) -> None:
    """Calibrate quality to the mean opinion of your own viewers.

    Refuses ratings that are too few, too narrow or contradictory. The file holds for the student that scored
    the clips and for no other.
    """
    try:
        from facegauge_client.calibration.file import calibration_text
        from facegauge_client.calibration.fit import fit
    except ImportError as error:
        raise click.ClickException(
            f"calibrating needs the package {error.name}: pip install 'facegauge-client[calibrate]'"
        ) from error
    ratings = read_ratings(ratings_path)
    if quality_paths:
        if any(one.quality is not None for one in ratings):
            raise click.UsageError(f"{ratings_path} has qualities of its own: leave out --qualities, or they")
        qualities, model = read_qualities(quality_paths)
    else:
        qualities, model = _own_qualities(ratings, ratings_path, model_name, model_sha256)
    clips = with_qualities(ratings, qualities)
    with new_file(output_path, "--output") as write:
        found = fit(clips)
        write(calibration_text(found, clips, model, datetime.now(UTC)))
    console = open_console()
    votes = sum(len(clip.votes) for clip in clips)
    console.print(f"{len(clips)} clips with {votes} votes, qualities of {model.name}", soft_wrap=True)
    console.print(
        f"{found.kind} map; clips left out of the fit lie {found.rmse:.2f} from it (root mean square), "
        f"95 of 100 within {found.half_width:.2f}; rank correlation {found.srocc:.2f}",
        soft_wrap=True,
    )
    console.print(f"serve it: facegauge-server --calibration {output_path}", soft_wrap=True)


def _own_qualities(
    ratings: list[Ratings], path: Path, model_name: str | None, model_sha256: str | None
) -> tuple[dict[str, float], Model]:
    qualities = {one.clip: one.quality for one in ratings if one.quality is not None}
    if not qualities:
        raise click.UsageError(
            f"{path} has no column quality: give --qualities, a file of `facegauge replay --json`"
        )
    if model_name is None or model_sha256 is None:
        raise click.UsageError(
            f"{path} does not say which student gave its qualities: add --model-name and --model-sha256"
        )
    if len(model_sha256) != 64 or set(model_sha256.lower()) - set("0123456789abcdef"):
        raise click.UsageError("--model-sha256 wants 64 hexadecimal digits")
    return qualities, Model(model_name, model_sha256.lower())
