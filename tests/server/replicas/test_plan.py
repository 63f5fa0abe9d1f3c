"""What replicas are started with, and the file that tells Envoy of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from facegauge_server.config import Address
from facegauge_server.replicas.cores import share_cores
from facegauge_server.replicas.envoy_file import write_envoy_file
from facegauge_server.replicas.plan import plan_replicas

SHIPPED = Path(__file__).parents[3] / "deploy" / "envoy" / "replicas.yaml"
GRPC, METRICS = Address("127.0.0.1", 50051), Address("127.0.0.1", 9464)


@given(cores=st.sets(st.integers(0, 255), min_size=1, max_size=64), replicas=st.integers(1, 80))
def test_cores_are_shared_out_evenly(cores: set[int], replicas: int) -> None:
    """Each core is used; no replica has two more than another; none is shared while there are enough."""
    shares = share_cores(cores, replicas)
    assert len(shares) == replicas
    assert frozenset().union(*shares) == cores
    sizes = [len(share) for share in shares]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1
    if replicas <= len(cores):
        assert sorted(core for share in shares for core in share) == sorted(cores)
    else:
        users = [sum(core in share for share in shares) for core in cores]
        assert max(users) - min(users) <= 1


def test_each_replica_has_ports_of_its_own() -> None:
    """They follow each other, and stand last in the command, where they beat those that were given."""
    flags = ("--listen", "127.0.0.1:50051", "--max-streams", "9")
    plans = plan_replicas(2, flags, GRPC, METRICS, {0, 1})
    assert [plan.command[-4:] for plan in plans] == [
        ("--listen", "127.0.0.1:50051", "--metrics-listen", "127.0.0.1:9464"),
        ("--listen", "127.0.0.1:50052", "--metrics-listen", "127.0.0.1:9465"),
    ]
    assert all("--max-streams" in plan.command for plan in plans)
    assert [plan.environment["FACEGAUGE_REPLICA"] for plan in plans] == ["0", "1"]


def test_any_free_port_stays_any() -> None:
    """Port 0 stands for a free one, for each replica, though both kinds have it."""
    anywhere = Address("127.0.0.1", 0)
    plans = plan_replicas(2, (), anywhere, anywhere, {0})
    assert {plan.command[-3] for plan in plans} == {"127.0.0.1:0"}


def test_the_file_for_envoy_has_the_form_of_the_one_that_ships(tmp_path: Path) -> None:
    """The same replicas make the same resources, and nothing else is left in the folder."""
    path = tmp_path / "replicas.yaml"
    write_envoy_file(path, [GRPC, Address("127.0.0.1", 50052)])
    assert json.loads(path.read_text()) == yaml.safe_load(SHIPPED.read_text())
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The caller learns of it as an OSError."""
    with pytest.raises(FileNotFoundError):
        write_envoy_file(tmp_path / "away" / "replicas.yaml", [GRPC])
