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
from tests.local_stack import Stack, compressed_configuration, running_stack, until

from .conftest import BOARDS, panels, read_board
from .forwarded_call import forwarded_call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

VARIABLES = {
    "$__rate_interval": "10s",
    "$__range": "1m",
    "$instance": ".*",
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
def stack(tmp_path_factory: pytest.TempPathFactory, portrait_jpeg: bytes) -> Iterator[Stack]:
    """The stack in compressed time, with a call of three streams going on until the end, one by a gateway.

    The gateway is there before its server, so that it has something to tell of that too.
    """
    folder = tmp_path_factory.mktemp("stack")
    over = threading.Event()
    port = str(free_port())
    with (
        forwarded_call(folder, f"127.0.0.1:{port}") as gateway,
        running_stack(
            **compressed_configuration(folder), GRPC_PORT=port, GATEWAY=gateway.http.removeprefix("http://")
        ) as stack,
        Client(stack.server) as client,
    ):

        def talk(stream_id: str) -> None:
            with client.monitor(stream_id=stream_id, call_id="standup") as stream:
                for number in itertools.count():
                    stream.send(portrait_jpeg, capture_time_s=number / 5)
                    if over.wait(0.2):
                        return

        people = [threading.Thread(target=talk, args=(name,)) for name in ("left", "right")]
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


def test_a_state_is_shown_under_its_name(stack: Stack) -> None:
    """The state timeline's number stands for the state that the stream is in."""
    board = read_board(next(path for path in BOARDS if path.stem == "call"))
    timeline = next(panel for panel in panels(board) if panel["type"] == "state-timeline")
    expression = filled(timeline["targets"][0]["expr"], "call")
    # A busy machine may leave a gap of a few scrapes.
    until(lambda: bool(stack.query(expression)), "a stream's state is known")
    (answer, *_) = stack.query(expression)
    names = timeline["fieldConfig"]["defaults"]["mappings"][0]["options"]
    shown = names[answer["value"][1]]["text"]
    (state, *_) = stack.query(f'facegauge_stream_state{{stream_id="{answer["metric"]["stream_id"]}"}} == 1')
    assert shown == state["metric"]["state"]
