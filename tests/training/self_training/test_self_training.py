"""Teacher, pseudo-labels, answers, students and their comparison: the programs one after another, tiny."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from facegauge_server.stages.locate import FaceDetector
from facegauge_server.types import Box
from facegauge_training.data.crop_set import CropSet
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.label_crops import train_stores
from facegauge_training.data.ladder import LADDER, ladder_store
from facegauge_training.data.sources import read_sources
from facegauge_training.data.store import pseudo_stores, read_store, write_source
from facegauge_training.evaluation import compare
from facegauge_training.fitting import teacher_outputs as answers
from facegauge_training.fitting import train_student as student
from facegauge_training.fitting import train_teacher as teacher
from facegauge_training.fitting.checkpoint import load_trained
from facegauge_training.fitting.distillation import Distillation, answer_path, read_answers
from facegauge_training.fitting.loader import split_crops
from facegauge_training.self_training import pseudo_label as pseudo
from facegauge_training.self_training.leakage import ALIKE, Unseen
from facegauge_training.self_training.unlabelled import (
    Video,
    film_photo,
    film_video,
    moment_key,
    read_videos,
    serving_crop,
)

SMALL = ["--backbone", "mobilenetv3_small_050", "--threads", "1"]


pytestmark = pytest.mark.timeout(600)  # eleven trainings of a step or two, on a machine that may be busy


def invent(folder: Path, key: str, chains: list[Chain], takes: int) -> None:
    """Fill a store with noise of falling strength whose labels fall too."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(int(key, 16))
    crops, rows = [], []
    for n, chain in enumerate(chains * takes):
        strength = 100 - 90 * n // (len(chains) * takes)
        crops.append((rng.integers(0, 2 * strength, (384, 288, 3)) + 20).astype(np.uint8))
        rows.append(
            {**chain.describe(), "frame": 1, "face_height": 200.0, "vmaf": strength / 100, "gmsd": 0.05}
        )
    write_source(folder, key, "invented-train", crops, rows)


def run(program: object, *options: str | Path) -> Result:
    return CliRunner().invoke(program.main, [str(option) for option in options])  # type: ignore[attr-defined]


def done(program: object, *options: str | Path) -> str:
    result = run(program, *options)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with labels of three faces, the ladder of two, and a teacher of two steps."""
    folder = tmp_path_factory.mktemp("cache")
    for key in ("0010aaaaaa", "0123bbbbbb", "0456cccccc"):
        invent(folder / "train-1-round-1", key, [Chain(), Chain(lines=360), Chain(lines=180)], 4)
    for key in ("01", "02"):
        invent(ladder_store(folder), key, [chain for chains in LADDER.values() for chain in chains], 1)
    options = ("--initialisation", "random", "--samples", "64", "--cache", folder)
    done(teacher, "--run", "teacher-0", *options, *SMALL)
    return folder


@pytest.fixture(scope="module")
def labelled(cache: Path, natural_faces: Path) -> str:
    """The first round of self-training, and what it said."""
    options = ("--faces", natural_faces, "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    return done(pseudo, *options)


def test_a_teacher_labels_faces_that_were_never_seen(cache: Path, labelled: str) -> None:
    """Soft photos and their degradations get scores of 0-1; a val photo in another coding is refused."""
    assert "1 natural" in labelled
    assert "1 refused" in labelled
    crops = read_store(*pseudo_stores(cache, 1))
    assert len(crops) == 8
    assert crops.pseudo.all()
    assert {row["source"] for row in crops.rows} == {"soft"}
    name = load_trained(cache / "runs" / "teacher-0" / "teacher.pt").name
    assert {row["labelled_by"] for row in crops.rows} == {name}
    assert ((crops.labels >= 0) & (crops.labels <= 1)).all()


def test_a_second_run_of_a_round_costs_nothing(cache: Path, labelled: str, natural_faces: Path) -> None:
    """What is labelled stays, and a killed round goes on to the same crops and labels."""
    [folder] = pseudo_stores(cache, 1)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    options = ("--faces", natural_faces, "--cache", cache, "--teacher", "teacher-0", "--threads", "1")
    assert "now 0 natural" in done(pseudo, *options)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    table = next(path for path in folder.glob("*.json") if json.loads(path.read_text())["crops"])
    rows = json.loads(table.read_text())["crops"]
    table.unlink()
    assert "now 1 natural" in done(pseudo, *options)
    again = json.loads(table.read_text())["crops"]
    for one, other in zip(again, rows, strict=True):  # VP8's encoder goes by the clock: not to the last bit
        assert one.pop("score") == pytest.approx(other.pop("score"), abs=0.02)
        assert one == other
    assert labelled


def test_one_teacher_labels_a_round(cache: Path, labelled: str, natural_faces: Path) -> None:
    """Another teacher's labels are not mixed into a round that is begun."""
    assert labelled
    options = ("--initialisation", "random", "--samples", "32", "--seed", "2", "--cache", cache)
    done(teacher, "--run", "other", *options, *SMALL)
    mixed = run(pseudo, "--faces", natural_faces, "--cache", cache, "--teacher", "other")
    assert (mixed.exit_code, "--round" in mixed.output) == (1, True)


@pytest.mark.slow
def test_from_a_round_to_students_on_one_plot(cache: Path, labelled: str, tmp_path: Path) -> None:
    """The next teacher learns from the round, students from that teacher; the page names the two to ship."""
    assert labelled
    common = ("--cache", cache, "--samples", "32", "--pseudo-round", "1")
    done(teacher, *common, "--run", "teacher-1", "--start-from", "teacher-0", *SMALL)
    unasked = run(student, *common, "--run", "a", "--teacher", "teacher-1", *SMALL)
    assert (unasked.exit_code, "facegauge_training.fitting.teacher_outputs" in unasked.output) == (1, True)
    ask = ("--cache", cache, "--teacher", "teacher-1", "--pseudo-round", "1", "--threads", "1")
    assert "4 sources asked about now" in done(answers, *ask)
    assert "0 sources asked about now" in done(answers, *ask)
    asked = load_trained(cache / "runs" / "teacher-1" / "teacher.pt")
    crops = CropSet([*train_stores(cache), *pseudo_stores(cache, 1)], asked.width)
    scores, features = read_answers(cache, asked.name, crops)
    with torch.no_grad():
        said = asked.network.features(torch.from_numpy(crops[0].copy())[None])
    np.testing.assert_allclose(features[0], said[0], atol=0.01)
    np.testing.assert_allclose(scores[0], asked.network.score(said)[0].item(), atol=0.001)
    answer_path(cache, asked.name, crops.rows[split_crops(crops)[0][0]]).unlink()
    told = done(student, *common, "--run", "a", "--teacher", "teacher-1", *SMALL)
    assert "was asked about" in told
    assert "was asked about 100%" not in told
    done(student, *common, "--run", "b", "--width", "192", *SMALL)
    found = load_trained(cache / "runs" / "a" / "student.pt")
    assert found.told["teacher"] == load_trained(cache / "runs" / "teacher-1" / "teacher.pt").name
    assert sum(found.told["labelled_by"].values()) == 36 + 8
    page, plot = tmp_path / "students.md", tmp_path / "students.png"
    page.write_text("Before\n<!-- students -->\nold\n<!-- /students -->\nafter\n")
    done(compare, "--cache", cache, "--run", "a", "--run", "b", "--table", page, "--plot", plot)
    text = page.read_text()
    assert text.startswith("Before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| 192x256 |" in text
    assert "Best EdgeNeXt: none" in text
    assert plot.stat().st_size > 5000


def test_a_teacher_that_was_not_asked_says_nothing() -> None:
    """The loss towards the teacher is that of the crops that it was asked about; without any it is 0."""
    features = np.random.default_rng(0).random((4, 8), np.float32)
    scores = np.array([0.2, np.nan, 0.8, np.nan], np.float32)
    loss = Distillation(scores, features, 8)
    said, rows = torch.tensor([0.5, 0.5], requires_grad=True), torch.ones((2, 8))
    of_both = loss(torch.tensor([0, 1]), said, rows)
    of_both.backward()
    assert said.grad is not None
    assert said.grad[0] != 0
    assert said.grad[1] == 0
    assert of_both.item() == pytest.approx(loss(torch.tensor([0]), said[:1], rows[:1]).item())
    assert loss(torch.tensor([1, 3]), said, rows).item() == 0


def test_a_video_gives_moments_cut_as_serving_cuts(portrait_jpeg: bytes, tmp_path: Path) -> None:
    """The detector finds the face; its crop is serving's; a portrait video becomes a square of 720 lines."""
    still = cv2.imdecode(np.frombuffer(portrait_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    bgr = cv2.copyMakeBorder(still, 100, 200, 0, 0, cv2.BORDER_REFLECT)
    tall = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = tall.shape[1], tall.shape[0], "yuv420p"
        for _ in range(20):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(tall), format="rgb24"))
            )
        container.mux(stream.encode())
    (tmp_path / "index.csv").write_text("file,repo,fps,duration_s\na.mp4,someone/talks,25.0,0.8\n")
    [video] = read_videos(tmp_path)
    with FaceDetector() as detector:
        found = dict(film_video(video, 2, {0, 1}, detector))
        [face] = detector.detect(tall)
    assert found[0] is not None
    assert found[0].key == moment_key(video, 0)
    assert found[0].clip.frames[0].shape == (720, 720, 3)
    box, share = found[0].clip.faces[0], 720 / 768
    assert face.iou(Box(box.x / share, box.y / share, box.width / share, box.height / share)) > 0.9
    assert np.abs(found[0].crop.astype(int) - serving_crop(tall, face)).mean() < 15  # coded, a few px off
    with pytest.raises(Exception, match=r"restore it"), FaceDetector() as detector:
        list(film_video(Video(tmp_path / "index.csv", "r", 20), 1, {0}, detector))


def test_val_photos_are_known_again(natural_faces: Path) -> None:
    """A scaled, recoded copy is near the val split, another picture is far; val's sources are refused."""
    unseen = Unseen(natural_faces)
    by_name = {source.path.name: source for source in read_sources(natural_faces, "natural", pristine=False)}
    rng = np.random.default_rng(0)
    stolen, soft = (film_photo(by_name[name], rng) for name in ("stolen.jpg", "soft.png"))
    assert unseen.distance(stolen.crop) <= ALIKE < unseen.distance(soft.crop)
    assert unseen.refuses(film_photo(read_sources(natural_faces, "val")[1], rng))


@pytest.mark.parametrize(
    ("program", "options", "told"),
    [
        (teacher, ("--initialisation", "random"), "facegauge_training.data.label_crops"),
        (student, ("--pseudo-round", "3"), "facegauge_training.self_training.pseudo_label"),
        (pseudo, ("--teacher", "teacher-0"), "facegauge_training.fitting.train_teacher"),
        (answers, ("--teacher", "teacher-9"), "facegauge_training.fitting.train_teacher"),
        (compare, ("--run", "none"), "facegauge_training.fitting.train_student"),
    ],
)
def test_what_is_missing_is_told(
    program: object, options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    """Without stores, teacher or student a program ends with the command that makes it."""
    result = run(program, "--cache", tmp_path, *options)
    assert (result.exit_code, told in result.output) == (1, True), result.output


def test_wrong_architectures_and_files_are_told(cache: Path) -> None:
    """An unknown backbone, one of another run's, and a file that is no training's."""
    unknown = run(student, "--cache", cache, "--backbone", "perceptron_9")
    assert (unknown.exit_code, "--backbone" in unknown.output) == (1, True)
    other = run(
        teacher,
        "--cache",
        cache,
        "--run",
        "x",
        "--start-from",
        "teacher-0",
        "--backbone",
        "edgenext_xx_small",
    )
    assert (other.exit_code, "mobilenetv3_small_050" in other.output) == (1, True)
    (cache / "runs" / "bad").mkdir(exist_ok=True)
    (cache / "runs" / "bad" / "student.pt").write_bytes(b"no weights")
    bad = run(compare, "--cache", cache, "--run", "bad")
    assert (bad.exit_code, "no file of a finished training" in bad.output) == (1, True)
    wrong = torch.load(cache / "runs" / "teacher-0" / "teacher.pt", weights_only=True)
    torch.save(wrong | {"backbone": "edgenext_xx_small"}, cache / "runs" / "bad" / "student.pt")
    bad = run(compare, "--cache", cache, "--run", "bad")
    assert (bad.exit_code, "train it again" in bad.output) == (1, True)


def test_a_face_without_crops_is_no_crop(tmp_path: Path) -> None:
    """A refused face stays known, so that a second run leaves it alone, and is never trained on."""
    write_source(tmp_path, "00", "none", [], [])
    write_source(
        tmp_path, "01", "one", [np.zeros((384, 288, 3), np.uint8)], [{"score": 0.5, "labelled_by": "t"}]
    )
    assert len(CropSet([tmp_path])) == 1
