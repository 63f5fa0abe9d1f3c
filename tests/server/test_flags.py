"""The flags are a public surface: names, variables and defaults change only on purpose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import structlog
from click.testing import CliRunner

from facegauge_server import cli
from facegauge_server.config import Address, Config

FLAGS = {
    "--listen": "127.0.0.1:50051",
    "--metrics-listen": "127.0.0.1:9464",
    "--tls-cert": None,
    "--tls-key": None,
    "--tls-client-ca": None,
    "--insecure": False,
    "--auth-keys": None,
    "--checkpoint-keys": None,
    "--metrics-token-file": None,
    "--metrics-insecure": False,
    "--engine": "auto",
    "--model": "default",
    "--precision": "auto",
    "--cause-threshold": 0.1,
    "--calibration": None,
    "--workers": len(os.sched_getaffinity(0)),
    "--max-batch": 16,
    "--max-wait-ms": 0.0,
    "--detect-interval": 0.5,
    "--steady-detect-interval": 2.0,
    "--event-log": 4096,
    "--webhook-url": None,
    "--webhook-secret-file": None,
    "--webhook-ca": None,
    "--webhook-insecure": False,
    "--webhook-queue": 1024,
    "--stale-after": 3.0,
    "--idle-timeout": 10.0,
    "--send-timeout": 30.0,
    "--resume-window": 5.0,
    "--checkpoint-interval": 2.0,
    "--checkpoint-expiry": 300.0,
    "--drain-grace": 10.0,
    "--frame-timeout": 2.0,
    "--max-streams": 256,
    "--max-tenant-streams": 128,
    "--max-tenant-fps": 0.0,
    "--max-exported-streams": 200,
    "--max-message-bytes": 16_777_216,
    "--max-unit-bytes": 2 * 1024 * 1024,
    "--max-decoder-bytes": 2 * 1024**3,
    "--max-frame-pixels": 9_437_184,
    "--max-frame-side": 8192,
    "--max-stream-fps": 60.0,
    "--max-faces": 8,
    "--max-worker-wait": 0.25,
    "--max-connections": 512,
    "--max-frame-memory-bytes": 256 * 1024 * 1024,
    "--max-images": 32,
    "--otlp-endpoint": None,
    "--otlp-insecure": False,
    "--trace-ratio": 0.01,
    "--trace-queue": 4096,
    "--replicas": 0,
    "--envoy-replicas": None,
    "--log-format": "console",
}
SECONDS = {
    "--detect-interval",
    "--steady-detect-interval",
    "--stale-after",
    "--idle-timeout",
    "--send-timeout",
    "--resume-window",
    "--checkpoint-interval",
    "--checkpoint-expiry",
    "--frame-timeout",
    "--drain-grace",
    "--max-worker-wait",
}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Config]]:
    """What the server would be started with: the command reads all, sets up its log, but does not serve."""
    configs: list[Config] = []

    async def note(config: Config) -> None:
        configs.append(config)

    monkeypatch.setattr(cli, "serve", note)
    for name in list(os.environ):
        if name.startswith("FACEGAUGE_"):
            monkeypatch.delenv(name)
    yield configs
    structlog.reset_defaults()  # the command's log goes to a standard error that is closed by now


def run(*flags: str, **variables: str) -> str:
    """Run the command; the last line of what it says."""
    result = CliRunner().invoke(cli.command, flags, env=variables, prog_name="facegauge-server")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output.strip().rpartition("\n")[2]


@pytest.mark.usefixtures("served")
def test_the_flags_and_their_defaults_are_these() -> None:
    """A flag that comes, goes or changes its default changes this list, and the changelog."""
    context = cli.command.make_context("facegauge-server", [], auto_envvar_prefix=None)
    flags = {parameter.name: parameter.opts[0] for parameter in cli.command.params}
    assert {flags[name]: value for name, value in context.params.items()} == FLAGS
    assert set(flags.values()) - set(FLAGS) == {"--config", "--version"}


def test_the_files_and_variables_names_are_the_flags() -> None:
    """A flag of seconds is written with _s in the file and as a variable, every other as it is."""
    for parameter in cli.command.params:
        flag = parameter.opts[0]
        expected = flag[2:].replace("-", "_") + ("_s" if flag in SECONDS else "")
        assert parameter.name == expected


def test_every_flag_explains_itself(served: list[Config]) -> None:
    """Every flag stands in the help once, in a group, with a sentence."""
    output = CliRunner().invoke(cli.command, ["--help"], terminal_width=200).output
    for group in ("Network:", "Scoring:", "Events:", "Times:", "Limits:", "Replicas:", "General:"):
        assert group in output
    for parameter in cli.command.params:
        assert isinstance(parameter, click.Option)
        assert parameter.help
        assert parameter.help[0].isupper()
        assert output.count(f"\n  {parameter.opts[0]} ") == 1
    assert served == []


def test_without_flags_the_defaults_are_the_configs(served: list[Config]) -> None:
    """The command adds nothing to what `Config` says."""
    assert run() == ""
    assert served == [Config()]


def test_a_flag_beats_its_variable_which_beats_the_file(served: list[Config], tmp_path: Path) -> None:
    """Each of the three is taken where no stronger one speaks."""
    file = tmp_path / "facegauge.toml"
    file.write_text('max_streams = 1\nmax_images = 2\nidle_timeout_s = 3\nlisten = "127.0.0.1:4"\n')
    variables = {"FACEGAUGE_MAX_STREAMS": "10", "FACEGAUGE_IDLE_TIMEOUT_S": "30", "FACEGAUGE_INSECURE": "1"}
    assert run("--config", str(file), "--max-streams", "100", **variables) == ""
    (config,) = served
    assert (config.limits.max_streams, config.idle_timeout_s, config.limits.max_images) == (100, 30.0, 2)
    assert (config.listen, config.insecure) == (Address("127.0.0.1", 4), True)
    assert config.limits.max_faces == 8


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--max-streams", "0"], "--max-streams must be greater than 0"),
        (["--max-frame-side", "-1"], "--max-frame-side must be greater than 0"),
        (["--drain-grace", "-1"], "--drain-grace must be at least 0"),
        (["--idle-timeout", "inf"], "--idle-timeout must be a finite number"),
        (["--max-stream-fps", "nan"], "--max-stream-fps must be greater than 0"),
        (["--max-wait-ms", "nan"], "--max-wait-ms must be at least 0"),
        (["--engine", "tpu"], "'tpu' is not one of"),
        (["--replicas", "-1"], "'--replicas'"),
        (
            ["--replicas", "3", "--listen", "127.0.0.1:65534"],
            "--listen 127.0.0.1:65534 leaves no ports for 3",
        ),
        (["--replicas", "2", "--listen", "127.0.0.1:9463"], "need 2 ports each: put them further apart"),
        (
            ["--replicas", "2", "--envoy-replicas", "/nowhere/r.yaml"],
            "cannot write --envoy-replicas /nowhere",
        ),
        (["--envoy-replicas", "r.yaml"], "--envoy-replicas needs --replicas"),
        (["--max-exported-streams", "257"], "257 would limit nothing: there are at most 256 streams"),
    ],
)
def test_a_bad_value_is_refused_with_its_flag(served: list[Config], flags: list[str], reason: str) -> None:
    """Nothing is served, and the sentence says which flag must change."""
    assert reason in run(*flags)
    assert served == []


@pytest.mark.parametrize(
    ("flags", "exported"),
    [([], 200), (["--max-streams", "20"], 200), (["--max-exported-streams", "256"], 256)],
)
def test_the_alert_about_streams_without_series_can_fire(
    served: list[Config], flags: list[str], exported: int
) -> None:
    """By default fewer streams are exported than may live; fewer streams alone need no second flag."""
    assert run(*flags) == ""
    assert served[0].limits.max_exported_streams == exported
    defaults: Any = Config().limits
    assert defaults.max_exported_streams < defaults.max_streams
