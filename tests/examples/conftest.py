"""The examples run against the real server, as processes of their own."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import ServerProcess, run_server, start_server_process

__all__ = ["server", "start_server_process"]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with its defaults, for all tests of one example."""
    with run_server() as process:
        yield process
