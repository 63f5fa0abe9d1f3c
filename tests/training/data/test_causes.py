from __future__ import annotations

import pytest

from facegauge_training.data.call_codecs import TRANSPARENT
from facegauge_training.data.causes import (
    CAUSES,
    causes_of,
    gains_alone,
    gains_shared,
    label_without,
    removal_name,
    removals,
    without,
    without_nuisances,
)
from facegauge_training.data.degradation_chain import Chain

EVERYTHING = Chain(
    stops=-2, noise=9, grain=0.5, webcam=True, denoise=4, defocus=2, lines=360, enlarged=True, codec="x264",
    quality=35, loss=0.2, loss_kind="slices", draw=3, sharpen=1,
)  # fmt: skip


def test_each_defect_is_a_cause() -> None:
    """Every field that harms the picture counts under its name, filters under none."""
    single = {
        "compression": Chain(codec="vp8", kbps=200),
        "resolution": Chain(lines=360),
        "blur": Chain(motion=5),
        "noise": Chain(noise=5, webcam=True),
        "exposure": Chain(stops=1.5),
        "loss": Chain(codec="x264", quality=TRANSPARENT["x264"], loss=0.2, loss_kind="slices"),
    }
    assert tuple(single) == CAUSES
    assert all(causes_of(chain) == (cause,) for cause, chain in single.items())
    assert causes_of(Chain()) == causes_of(Chain(sharpen=1.0, beauty=0.5)) == ()
    assert causes_of(EVERYTHING) == CAUSES


def test_without_all_causes_nothing_is_left() -> None:
    """Whatever the order, removing every cause leaves the untouched chain, and one cause only itself."""
    for order in (CAUSES, CAUSES[::-1]):
        assert without_nuisances(without(EVERYTHING, order)) == Chain()
    for cause in CAUSES:
        assert set(causes_of(without(EVERYTHING, [cause]))) == set(CAUSES) - {cause}
    with pytest.raises(ValueError, match="compression"):
        without(EVERYTHING, ["luck"])


def test_packets_are_lost_from_a_stream_that_looks_pristine() -> None:
    """Without compression the same packets are lost from a stream of a quality that hides nothing."""
    clear = without(EVERYTHING, ["compression"])
    assert (clear.codec, clear.quality) == ("x264", TRANSPARENT["x264"])
    assert (clear.loss, clear.draw) == (EVERYTHING.loss, EVERYTHING.draw)


def row(**measured: list[float]) -> dict[str, object]:
    chain = Chain(codec="x264", quality=40, lines=360, defocus=3)
    without_ = {name.replace("_", "+"): pair for name, pair in measured.items() if name != "now"}
    now = measured["now"]
    return {**chain.describe(), "vmaf": now[0], "gmsd": now[1], "without": without_}


MEASURED = row(
    now=[0.2, 0.1], compression=[0.5, 0.1], resolution=[0.3, 0.1], blur=[0.15, 0.1],
    compression_resolution=[0.7, 0.1], compression_blur=[0.8, 0.1], resolution_blur=[0.4, 0.1],
    compression_resolution_blur=[1.0, 0.0],
)  # fmt: skip


def test_removing_one_cause_gives_the_difference() -> None:
    """All but one is the label without the cause less the label, never below 0."""
    assert gains_alone(MEASURED) == pytest.approx({"compression": 0.3, "resolution": 0.1, "blur": 0.0})


def test_shares_add_up_to_what_was_lost() -> None:
    """Shapley's mean over the six orders, worked out by hand for one cause; the shares sum to the loss."""
    shares = gains_shared(MEASURED)
    compression = (0.3 * 2 + (0.7 - 0.3) + (0.8 - 0.15) + (1.0 - 0.4) * 2) / 6
    assert shares["compression"] == pytest.approx(compression)
    assert sum(shares.values()) == pytest.approx(0.8)


def test_a_missing_combination_is_no_zero() -> None:
    """What was not measured is an error, not a gain of 0."""
    incomplete = {**MEASURED, "without": {"compression": [0.5, 0.1]}}
    with pytest.raises(KeyError):
        gains_shared(incomplete)
    with pytest.raises(KeyError):
        gains_alone(incomplete)


def test_a_label_without_exposure_has_no_factor_of_it() -> None:
    """The counterfactual is judged by its own chain: stops that are gone cost nothing."""
    dark = {**Chain(stops=-4).describe(), "vmaf": 0.98, "gmsd": 0.0, "without": {"exposure": [0.99, 0.0]}}
    assert label_without(dark, ()) == pytest.approx(0.98 * 0.35)
    assert label_without(dark, ["exposure"]) == pytest.approx(0.99)


def test_combinations_are_named_in_one_order() -> None:
    """A combination's key does not depend on the order that its causes are given in."""
    assert removal_name(["noise", "compression"]) == "compression+noise"
    names = [removal_name(some) for some in removals(EVERYTHING)]
    assert len(names) == len(set(names)) == 63
