"""Graphs of fixed sizes hold batches of any size, and score as the plain network does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_server.engines.student import Student

torch = pytest.importorskip("torch", reason="needs the extra `torch`")
pytest.importorskip("onnx2torch", reason="needs the extra `torch`")

from facegauge_server.engines.cuda_graphs import BATCH_SIZES, padded_size  # noqa: E402
from facegauge_server.engines.torch import TorchEngine  # noqa: E402

from .conftest import figures  # noqa: E402


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 4), (4, 4), (5, 16), (17, 64), (64, 64)])
def test_a_batch_goes_into_the_smallest_graph_that_holds_it(count: int, size: int) -> None:
    """What is left of the graph's batch is little."""
    assert padded_size(count) == size


def test_more_than_the_largest_graph_holds(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """A batch of any size is scored, in parts."""
    engine = TorchEngine(student)
    many = np.concatenate([crops] * 12)[: BATCH_SIZES[-1] + 3]
    scores = figures(engine.score(many))
    assert scores.shape == (BATCH_SIZES[-1] + 3, 1 + len(student.causes))
    np.testing.assert_allclose(scores[:6], figures(engine.score(crops)), atol=1e-5)
    np.testing.assert_allclose(scores[-1], scores[(len(many) - 1) % 6], atol=1e-5)
    engine.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_graphs_score_as_the_network_does(student: Student, crops: npt.NDArray[np.uint8]) -> None:
    """On a GPU, recorded graphs and plain calls agree for every batch size."""
    engine = TorchEngine(student)
    assert engine._graphs is not None, "the network can be recorded"
    recorded = figures(engine.score(crops))
    engine._graphs = None
    np.testing.assert_allclose(recorded, figures(engine.score(crops)), atol=1e-4)
    engine.close()
