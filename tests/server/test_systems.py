"""Every system of the challenge in the real server: exported, loaded, and asked about two portraits.

With weights that were trained, those of examples/systems and where `FACEGAUGE_SYSTEMS` names a folder of them
(SYSTEM/model.pt), the ruined portrait must come out below the intact one; with random ones, both engines must
say what torch says.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

import facegauge_models
from facegauge.v1 import quality_pb2 as pb
from facegauge_models.preparation import CentrePreparation
from facegauge_server.engines import create_engine
from facegauge_server.engines.student import load_student
from facegauge_server.stages.crop import crop_region
from facegauge_server.types import Box
from facegauge_training.challenge.weights import load_network, save_network
from facegauge_training.release.export_system import export_system

from .conftest import SLICES, Connect, StartServer

TRAINED = os.environ.get("FACEGAUGE_SYSTEMS")
KEPT = Path(__file__).parents[2] / "examples" / "systems"
SYSTEMS = facegauge_models.names(teachers=False)


def trained_weights(name: str) -> Path | None:
    """Return the file of a system's trained weights, where there should be one."""
    if TRAINED:
        return Path(TRAINED).expanduser() / name / "model.pt"
    kept = KEPT / name / "model.pt"
    return kept if kept.is_file() else None


def random_weights(name: str, folder: Path) -> Path:
    """Return a file of random weights whose scores differ within 0 and 1."""
    torch.manual_seed(0)
    network = facegauge_models.create(name).eval()
    last = [m for m in network.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 1]
    with torch.no_grad():
        for layer in last:
            layer.weight *= 0.1
            assert layer.bias is not None
            layer.bias.fill_(0.5)
    save_network(name, network, {}, folder / "model.pt")
    return folder / "model.pt"


def encoded(pixels: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes()


def ruined(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A portrait through a lens out of focus and a harsh JPEG."""
    soft = cv2.GaussianBlur(pixels, (0, 0), 5)
    coded = cv2.imencode(".jpg", soft[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 4])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[:, :, ::-1], dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings(SLICES)
@pytest.mark.parametrize("name", SYSTEMS)
async def test_a_system_is_served(
    name: str,
    tmp_path: Path,
    start_server: StartServer,
    connect: Connect,
    astronaut: npt.NDArray[np.uint8],
) -> None:
    """Its score comes over gRPC, and both engines say what its own network says of the crop."""
    trained = trained_weights(name)
    weights = trained or random_weights(name, tmp_path)
    export_system(weights, tmp_path / "served", name, "1")
    student = load_student(str(tmp_path / "served"))

    # --- engines against torch
    width = astronaut.shape[1]
    region = Box(width * 0.25, 0, width * 0.35, width * 0.35 / 3 * 4)
    crops = np.stack(
        [
            crop_region(p, region, student.input_width, student.input_height)
            for p in (astronaut, ruined(astronaut))
        ]
    )
    network, how = load_network(weights)[1], facegauge_models.info(name).test
    with torch.no_grad():
        expected = network(CentrePreparation(how)(torch.from_numpy(crops))).clamp(0, 1).numpy()
    for kind in ("openvino", "torch"):
        engine = create_engine(kind, student, threads=1, precision="f32")
        np.testing.assert_allclose(engine.score(crops).quality, expected, atol=2e-3)
        engine.close()
    if trained:
        assert expected[0] > expected[1] + 0.1

    # --- the server
    app = await start_server(model=str(tmp_path / "served"), precision="f32", engine="openvino")
    stub = connect(app)
    answers = []
    for picture in (astronaut, ruined(astronaut)):
        image = pb.AssessImageRequest(encoding=pb.FRAME_ENCODING_PNG, data=encoded(picture))
        answers.append((await stub.AssessImage(image)).assessment.raw_quality)
    assert all(0 <= answer <= 1 for answer in answers)
    if trained:
        assert answers[0] > answers[1] + 0.1
