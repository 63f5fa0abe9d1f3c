"""One test for every registered model: what each promises by standing in the registry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import facegauge_models
from facegauge_models import Model, UnknownModelError

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
measure = pytest.importorskip("facegauge_models.measure")

HEAVY = {"swin-b", "clip-vit-b32", "emov2-5m"}
"""Teachers that take more than ten seconds a test on a busy core."""
CASES = [
    pytest.param(name, marks=pytest.mark.slow) if name in HEAVY else name for name in facegauge_models.names()
]
BOUNDED = {"next", "2077agent", "emov2-5m", "clip-vit-b32", "efficientnet-lite0", "efficientnet-lite2"}
"""Their heads end in a sigmoid, or in a mean over grades: 0-1 whatever the picture."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    yield
    torch.set_num_threads(threads)


def _small(model: Model) -> tuple[int, int]:
    """Return a small size that the model accepts: its own when it accepts no other."""
    if model.fixed_size:
        return model.input_size
    height, width = (max(96, round(side / 4 / 32) * 32) for side in model.input_size)
    return height, width


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", CASES)
def test_every_model(name: str) -> None:
    """A registered model costs what Table 1 says, scores batches, learns with all it has, and exports."""
    model = facegauge_models.info(name)
    network = facegauge_models.create(name)
    assert network.training
    height, width = _small(model)
    if model.reported is not None:
        first = network(torch.randn(4, 3, height, width))
        assert float(first.detach().abs().max()) < 2, "a short training begins within reach of the labels"
    network.eval()

    # Costs: as in the report's Table 1, to its digits, or within the tolerance that the model states.
    if model.reported is not None:
        params_m = measure.count_params(network) / 1e6
        gflops = measure.count_gflops(network, measure.picture_example(*model.input_size))
        assert model.agrees(gflops=gflops, params_m=params_m), f"{gflops:.5f} GFLOPs, {params_m:.6f} M"

    # Shape and range.
    pictures = torch.randn(2, 3, height, width)
    qualities = network(pictures)
    assert qualities.shape == (2,)
    assert qualities.dtype == torch.float32
    assert torch.isfinite(qualities).all()
    if name in BOUNDED:
        assert ((qualities >= 0) & (qualities <= 1)).all()
    alone = torch.cat([network(picture[None]) for picture in pictures])
    assert torch.allclose(alone, qualities, atol=1e-4)  # the others in a batch do not matter

    # ONNX, with a batch of another size than the one it was exported with.
    session = measure.onnx_session(measure.onnx_bytes(network, measure.picture_example(height, width)))
    (exported,) = session.run(None, {"pictures": pictures.numpy()})
    assert np.abs(exported - qualities.detach().numpy()).max() <= 1e-4

    # Gradients, in training mode, weighted so that batch normalisation does not cancel them. Some residual
    # branches begin at zero, where no gradient passes before the first step: begin beside it.
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.add_(0.1)
    scores = network.train()(torch.randn(4, 3, height, width))
    (scores * torch.randn(4)).sum().backward()
    for parameter_name, parameter in network.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached != parameter_name.startswith(model.unused or ("no prefix",)), parameter_name


def test_an_unknown_name_lists_the_known_ones() -> None:
    """Whoever mistypes a name is told which there are."""
    for call in (facegauge_models.create, facegauge_models.info):
        with pytest.raises(UnknownModelError, match=r"no model 'ecnu'.*ecnu-sjtu.*baseline.*swin-b"):
            call("ecnu")


def test_the_fourteen_systems_stand_in_the_order_of_their_ranks() -> None:
    """`names` lists the challenge's systems by rank, then the baseline, then the teachers."""
    systems = facegauge_models.names(teachers=False)
    ranks = [facegauge_models.info(name).reported.rank for name in systems]  # type: ignore[union-attr]
    assert ranks == [*range(1, 14), None]
    assert facegauge_models.names()[:14] == systems


def test_area_means_are_adaptive_pooling() -> None:
    """The products that ONNX knows give what torch's own pooling does, at even and uneven sizes."""
    lighthspa = pytest.importorskip("facegauge_models.lighthspa")
    for height, width, parts in ((14, 21, 7), (11, 11, 7), (7, 10, 2), (3, 4, 7)):
        x = torch.randn(2, 5, height, width)
        expected = torch.nn.functional.adaptive_avg_pool2d(x, parts)
        means = lighthspa.AreaMeans(parts)
        assert torch.allclose(means(x), expected, atol=1e-5)
        assert torch.allclose(means.fixed(height, width)(x), expected, atol=1e-5)
