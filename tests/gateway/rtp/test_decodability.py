"""What can be decoded after which loss, by what units say of each other."""

from __future__ import annotations

from facegauge_gateway.rtp.decodability import Decodability, Verdict
from facegauge_gateway.rtp.layering import CodedUnit, Layering

DECODABLE, BROKEN, LEFT_OUT = Verdict.DECODABLE, Verdict.BROKEN, Verdict.LEFT_OUT
LAYERS = (0, 2, 1, 2)


def layered(number: int, **changes: object) -> CodedUnit:
    """One unit of L1T3 as Chromium sends VP8: a T1, and the T2 before it, need the base layer alone."""
    values: dict[str, object] = {
        "temporal_layer": LAYERS[number % 4],
        "picture_id": (number + 32_766) & 0x7FFF,
        "base_index": (number // 4 + 254) & 0xFF,
        "needs_base_alone": number % 4 in (1, 2),
        **changes,
    }
    return CodedUnit(b"", keyframe=number == 0, layering=Layering(**values))  # type: ignore[arg-type]


def judged(units: list[CodedUnit | None]) -> list[Verdict]:
    """Judge units in order; None is one that is lost."""
    decodability = Decodability()
    verdicts: list[Verdict] = []
    is_loss_before = False
    for unit in units:
        if unit is not None:
            verdicts.append(decodability.judge(unit, is_loss_before=is_loss_before))
        is_loss_before = unit is None
    return verdicts


def call(count: int, *lost: int) -> list[CodedUnit | None]:
    """The first units of L1T3 without those that are lost."""
    return [None if number in lost else layered(number) for number in range(count)]


def test_all_of_a_whole_call_is_decodable() -> None:
    """Across the wrap-around of picture IDs and TL0PICIDX."""
    assert judged(call(40)) == [DECODABLE] * 40


def test_a_lost_upper_layer_costs_what_depends_on_it() -> None:
    """The second T2 of four needs the T1 before it; the first and the T1 need the base layer alone."""
    assert judged(call(12, 5)) == [DECODABLE] * 6 + [LEFT_OUT] + [DECODABLE] * 4
    assert judged(call(12, 6)) == [DECODABLE] * 6 + [LEFT_OUT] + [DECODABLE] * 4
    assert judged(call(12, 7)) == [DECODABLE] * 11


def test_a_lost_base_layer_breaks_all() -> None:
    """Up to the next keyframe, and told by the first unit after it, whatever its layer."""
    assert judged(call(12, 4)) == [DECODABLE] * 4 + [BROKEN] * 7
    assert judged(call(12, 4, 5, 6, 7)) == [DECODABLE] * 4 + [BROKEN] * 4
    again = [*call(12, 4), layered(0), layered(1), layered(2)]
    assert judged(again)[-3:] == [DECODABLE] * 3


def test_layers_that_a_media_server_leaves_out_are_no_loss() -> None:
    """It forwards the base layer alone, and opens the others again where they can be."""
    sent = [layered(n) for n in range(24) if LAYERS[n % 4] == 0 or n < 4 or n >= 17]
    assert judged(list(sent)) == [DECODABLE] * len(sent)


def test_where_no_layer_opens_it_stays_closed() -> None:
    """Units that say nothing of needing the base layer alone are left out until a keyframe."""
    units = [layered(n, needs_base_alone=False) for n in range(12)]
    assert judged([*units[:5], None, *units[6:]]) == [
        *[DECODABLE] * 5,
        *[LEFT_OUT, LEFT_OUT, DECODABLE, LEFT_OUT, LEFT_OUT, LEFT_OUT],
    ]


def test_vp9_opens_layers_by_its_switching_up_point() -> None:
    """After one in the base layer everything above is decodable again."""
    units = [layered(n, needs_base_alone=False, opens_upper_layers=n % 4 == 0) for n in range(12)]
    assert judged([*units[:5], None, *units[6:]]) == [
        *[DECODABLE] * 5,
        *[LEFT_OUT, LEFT_OUT, DECODABLE, DECODABLE, DECODABLE, DECODABLE],
    ]


def flexible(number: int, *references: int, layer: int | None = None) -> CodedUnit:
    """One unit of VP9's flexible mode, with picture IDs of seven bits."""
    layering = Layering(layer, picture_id=(number + 120) & 0x7F, picture_id_bits=7, references=references)
    return CodedUnit(b"", keyframe=number == 0, layering=layering)


def test_references_decide_in_flexible_mode() -> None:
    """A picture that nothing refers to may be lost; one that is referred to takes what follows along."""
    units = [flexible(0), *(flexible(n, 1 if n % 2 else 2) for n in range(1, 20))]
    assert judged([None if n == 5 else unit for n, unit in enumerate(units)]) == [DECODABLE] * 19
    assert (
        judged([None if n == 6 else unit for n, unit in enumerate(units)]) == [DECODABLE] * 6 + [BROKEN] * 13
    )
    upper = [flexible(0), flexible(1, 1, layer=1), flexible(2, 1, layer=1), flexible(3, 3, layer=0)]
    assert judged([upper[0], None, *upper[2:]]) == [DECODABLE, LEFT_OUT, DECODABLE]


def plain(number: int, picture_id: int | None = None) -> CodedUnit:
    """One unit without layers."""
    return CodedUnit(b"", keyframe=number == 0, layering=Layering(picture_id=picture_id))


def test_without_names_every_loss_breaks() -> None:
    """H.264 and AV1: nothing says what was lost."""
    assert judged([plain(0), plain(1), None, plain(3)]) == [DECODABLE, DECODABLE, BROKEN]


def test_picture_ids_tell_a_loss_that_was_none() -> None:
    """A lost packet of padding leaves no picture ID out."""
    assert judged([plain(0, 8), None, plain(2, 9), None, plain(4, 11)]) == [DECODABLE, DECODABLE, BROKEN]


def test_nothing_is_decodable_before_a_keyframe() -> None:
    """A join amid pictures."""
    assert judged([plain(1), plain(2), plain(0), plain(1)]) == [BROKEN, BROKEN, DECODABLE, DECODABLE]
