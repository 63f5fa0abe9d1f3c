"""A blocked event loop is reported with where it stands, and does not last for ever."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

from facegauge_server.monitoring.loop_watchdog import EXIT_CODE, Patience


def test_patience_reports_once_and_gives_up_late() -> None:
    """Each block is reported once; a loop that turns again starts anew."""
    patience = Patience(now_s=0, report_after_s=5, exit_after_s=60)
    assert not patience.must_report(4.9)
    assert patience.must_report(5)
    assert not patience.must_report(6)
    assert not patience.must_exit(59)
    patience.beat(59)
    assert not patience.must_exit(60)
    assert patience.must_report(64)
    assert patience.must_exit(119)


def test_a_process_whose_loop_is_blocked_says_where_and_ends() -> None:
    """For real: the stack that blocks is written to standard error, then the supervisor gets an exit code."""
    program = dedent("""
        import time
        from facegauge_server.monitoring.loop_watchdog import LoopWatchdog

        def blocks_the_loop():
            while True:
                time.sleep(0.01)

        LoopWatchdog(report_after_s=0.2, exit_after_s=1.0).start()
        blocks_the_loop()
    """)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.returncode == EXIT_CODE
    assert "blocks_the_loop" in ended.stderr
    assert "exiting for the supervisor" in ended.stderr
