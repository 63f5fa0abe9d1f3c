"""Every panel of every dashboard has something to show while server and gateway watch a call."""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.real_call.programs import free_port
from facegauge_client.sync import Client
from facegauge_server.kinds import FAULTS, PICTURE_CAUSES
from tests.local_stack import Stack, compressed_configuration, running_stack, until

from .conftest import BOARDS, panels, read_board
from .forwarded_call import forwarded_call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

VARIABLES = {
    "$__rate_interval": "10s",
    "$__range": "1m",
    "$instance": ".*",
    "$zone": ".*",
    "$tenant": ".*",
    "$call_id": ".*",
    "$stream_id": ".*",
}
LABEL_VALUES = re.compile(r"label_values\((?P<selector>.*), (?P<label>\w+)\)")


def filled(expression: str, board: str) -> str:
    """A query of a dashboard, its variables chosen."""
    job = "facegauge-gateway" if board == "gateway" else "facegauge"
    for name, value in {**VARIABLES, "$job": job}.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def queries(path: Path) -> Iterator[tuple[str, str]]:
    """What a dashboard asks for, by the panel or variable that asks."""
    board = read_board(path)
    for panel in panels(board):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", filled(target["expr"], path.stem)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = LABEL_VALUES.fullmatch(variable["query"])
            assert asked is not None
            selector = filled(asked["selector"], path.stem)
            yield f"variable {variable['name']}", f"count by ({asked['label']}) ({selector})"


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, portrait_jpeg: bytes, collapsed_jpeg: bytes
) -> Iterator[Stack]:
    """The stack in compressed time, with a call of four streams going on until the end, one by a gateway.

    The gateway is there before its server, so that it has something to tell of that too. Three people stand
    still, one of them looks bad, and the student names causes.
    """
    folder = tmp_path_factory.mktemp("stack")
    over = threading.Event()
    port = str(free_port())
    with (
        forwarded_call(folder, f"127.0.0.1:{port}") as gateway,
        running_stack(
            *("--model", "facegauge-accurate", "--precision", "f32"),
            **compressed_configuration(folder),
            GRPC_PORT=port,
            GATEWAY=gateway.http.removeprefix("http://"),
        ) as stack,
        Client(stack.server) as client,
    ):

        def talk(stream_id: str, picture: bytes) -> None:
            with client.monitor(stream_id=stream_id, call_id="standup") as stream:
                for number in itertools.count():
                    stream.send(picture, capture_time_s=number / 5)
                    if over.wait(0.2):
                        return

        shown = {"left": portrait_jpeg, "right": portrait_jpeg, "bad": collapsed_jpeg}
        people = [threading.Thread(target=talk, args=person) for person in shown.items()]
        for person in people:
            person.start()
        try:
            yield stack
        finally:
            over.set()
            for person in people:
                person.join()


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_query_finds_data(path: Path, stack: Stack) -> None:
    """Each query of each panel and variable answers with at least one number."""
    missing = dict(queries(path))
    assert missing

    def all_answered() -> bool:
        for asker, expression in list(missing.items()):
            if any(math.isfinite(float(found["value"][1])) for found in stack.query(expression)):
                del missing[asker]
        return not missing

    try:
        until(all_answered, "every query found data", limit_s=120)
    except pytest.fail.Exception:
        pytest.fail(f"no data for {missing}")


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_annotation_is_a_query(path: Path, stack: Stack) -> None:
    """Prometheus understands the alerts' annotations; on a good day they find none."""
    (annotation,) = read_board(path)["annotations"]["list"]
    assert isinstance(stack.query(filled(annotation["expr"], path.stem)), list)


def of_panel(board: str, title: str) -> tuple[str, dict[str, str]]:
    """The query of a panel, and what it shows for each value."""
    path = next(path for path in BOARDS if path.stem == board)
    panel = next(panel for panel in panels(read_board(path)) if panel["title"] == title)
    mappings = panel["fieldConfig"]["defaults"].get("mappings", [{"options": {}}])
    shown = {value: option["text"] for value, option in mappings[0]["options"].items()}
    return filled(panel["targets"][0]["expr"], board), shown


def test_a_state_is_shown_under_its_name(stack: Stack) -> None:
    """The state timeline's number stands for the state that the stream is in."""
    expression, names = of_panel("call", "State")
    # A busy machine may leave a gap of a few scrapes.
    until(lambda: bool(stack.query(expression)), "a stream's state is known")
    (answer, *_) = stack.query(expression)
    (state, *_) = stack.query(f'facegauge_stream_state{{stream_id="{answer["metric"]["stream_id"]}"}} == 1')
    assert names[answer["value"][1]] == state["metric"]["state"]


def test_a_fault_is_shown_under_its_name(stack: Stack) -> None:
    """A row for each fault of each stream, whose number stands for the fault."""
    expression, names = of_panel("call", "Faults")
    assert set(names.values()) == set(FAULTS)
    until(lambda: len(stack.query(expression)) >= 3, "three people stand still")
    for found in stack.query(expression):
        assert names[found["value"][1]] == found["metric"]["cause"]


def test_the_worst_streams_are_named_with_their_cause_and_those_without_one_too(stack: Stack) -> None:
    """Every stream with a quality is there once, the worst first, with what costs it most."""
    expression, _ = of_panel("fleet", "Worst streams")
    qualities = filled('stream:facegauge_stream_quality_ratio:last1m{job=~"$job"}', "fleet")

    def complete() -> bool:
        worst, known = stack.query(expression), stack.query(qualities)
        named = {one["metric"]["stream_id"]: one["metric"].get("cause") for one in worst}
        everybody = sorted(one["metric"]["stream_id"] for one in known)
        return (
            sorted(one["metric"]["stream_id"] for one in worst) == everybody
            and {"bad", "left", "right"} <= set(everybody)
            and named["bad"] in set(PICTURE_CAUSES)
        )

    until(complete, "all are there, and the bad stream has a cause of its picture")
    assert (
        min(stack.query(expression), key=lambda one: float(one["value"][1]))["metric"]["stream_id"] == "bad"
    )
