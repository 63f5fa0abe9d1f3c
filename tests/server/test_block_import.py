"""What the server's packages would import, and the server has no use for, stays out of its process."""

import subprocess
import sys

import pytest

from facegauge_server.block_import import blocked, replaced_by_empty

ABSENT = "facegauge_no_such_package"


def test_a_blocked_module_cannot_be_imported_until_the_block_ends() -> None:
    """Inside the block an import fails, whatever is installed; behind it the real module is there again."""
    sys.modules.pop("wave", None)
    with blocked("wave"), pytest.raises(ImportError):
        import wave
    import wave

    assert wave.__name__ == "wave"


def test_an_absent_module_is_replaced_by_an_empty_one_until_the_block_ends() -> None:
    """`import a.b as c` works inside the block without the package, and fails behind it as it did before."""
    with replaced_by_empty(f"{ABSENT}.part"):
        names: dict[str, object] = {}
        exec(f"import {ABSENT}.part as part", names)  # noqa: S102 - an import of what mypy cannot find
        assert getattr(names["part"], "__name__", None) == f"{ABSENT}.part"
    assert not any(name.startswith(ABSENT) for name in sys.modules)
    with pytest.raises(ModuleNotFoundError):
        __import__(ABSENT)


def test_a_module_imported_already_is_left_alone() -> None:
    """Neither way takes a module away from those who use it."""
    before = sys.modules["subprocess"]
    with blocked("subprocess"), replaced_by_empty("subprocess"):
        assert sys.modules["subprocess"] is before
    assert sys.modules["subprocess"] is before


def test_the_detector_imports_neither_matplotlib_nor_an_audio_library() -> None:
    """A process that finds faces has loaded one cv2, no matplotlib, no sounddevice, no telemetry."""
    unwanted = ("matplotlib", "sounddevice", "openvino_telemetry", "torch")
    program = (
        "import sys, facegauge_server.stages.locate as locate\n"
        "locate.FaceDetector().close()\n"
        f"print(*(name for name in {unwanted} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
