"""Files into timed frames: times, sampling, rotation, and what is broken or no video."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import VideoError
from facegauge_client.playback.video import open_source, read_picture
from facegauge_client.sdk.frames import encode

WriteVideo = Callable[..., Path]


@pytest.fixture
def write_video(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> WriteVideo:
    """Encodes the portrait as a video with given frame times in milliseconds."""

    def write(times_ms: list[int], name: str = "call.mkv", size: tuple[int, int] = (160, 120)) -> Path:
        path = tmp_path / name
        picture = np.asarray(cv2.resize(astronaut, size), dtype=np.uint8)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            for time_ms in times_ms:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


def times(path: Path, fps: float | None) -> list[float]:
    return [round(frame.capture_time_s, 3) for frame in open_source(path, fps).frames()]


def test_times_are_the_containers_for_variable_rates(write_video: WriteVideo) -> None:
    """Frames keep the times that the file tells, however unevenly they lie."""
    assert times(write_video([0, 40, 500, 520, 3000]), None) == [0.0, 0.04, 0.5, 0.52, 3.0]


def test_sampling_takes_frames_on_a_grid(write_video: WriteVideo) -> None:
    """At 5 a second, the first frame at or after each fifth of a second is taken, also after a gap."""
    path = write_video([*range(0, 1000, 40), *range(3000, 3400, 40)])
    assert times(path, 5) == [0.0, 0.2, 0.4, 0.6, 0.8, 3.0, 3.2]


def test_sampling_faster_than_the_video_takes_every_frame(write_video: WriteVideo) -> None:
    """Asking for more frames than there are repeats none."""
    assert times(write_video(list(range(0, 400, 40))), 100) == times(
        write_video(list(range(0, 400, 40))), None
    )


def test_broken_packets_are_counted_and_the_rest_goes_on(write_video: WriteVideo) -> None:
    """A file with rubbish in its middle still gives frames from before and after."""
    path = write_video(list(range(0, 4000, 40)), "call.ts")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    path.write_bytes(data)
    played = times(path, None)
    assert len(played) > 60
    assert played[-1] - played[0] > 3.5
    assert played == sorted(set(played))


def test_a_truncated_file_plays_as_far_as_it_goes(write_video: WriteVideo) -> None:
    """What is there of a recording that was cut off is played."""
    path = write_video(list(range(0, 4000, 40)), "call.ts")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 10 < len(times(path, None)) < 100


def test_clocks_that_start_over_go_on_here(write_video: WriteVideo) -> None:
    """Two recordings joined, whose times start again: ours never go back, which the server would refuse."""
    part = write_video(list(range(0, 1000, 40)), "part.ts").read_bytes()
    joined = write_video([0], "joined.ts")
    joined.write_bytes(part + part)
    played = times(joined, None)
    assert len(played) > 40
    assert played == sorted(set(played))


def test_rotation_is_honoured(write_video: WriteVideo, tmp_path: Path) -> None:
    """A phone's recording, stored on its side, is sent upright."""
    turned = tmp_path / "turned.mp4"
    with av.open(str(write_video([0, 40]))) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = turned.read_bytes()
    upright = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    )
    quarter = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    )
    at = data.index(upright, data.index(b"tkhd"))
    turned.write_bytes(data[:at] + quarter + data[at + len(upright) :])
    frame = next(open_source(turned, None).frames())
    sent = encode(frame.picture)
    assert (sent.width, sent.height) == (120, 160)


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"Dear diary,\n" * 50), ("empty.mp4", b""), ("noise.mp4", bytes(range(256)) * 40)],
)
def test_a_file_that_is_no_video_says_so(tmp_path: Path, name: str, content: bytes) -> None:
    """Text, an empty file and noise each get one sentence with the file's name, and no picture of text."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(VideoError, match=rf"{name}: (not a video|there is no video)"):
        open_source(path, None)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """A sound file is refused rather than played as nothing."""
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(VideoError, match="no video in this file"):
        open_source(path, None)


def test_a_missing_file_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    """Neither is a crash."""
    with pytest.raises(VideoError, match=r"gone\.mp4: there is no such file"):
        open_source(tmp_path / "gone.mp4", None)
    with pytest.raises(VideoError, match="this folder has no pictures"):
        open_source(tmp_path, None)


def test_a_folder_plays_in_the_order_of_its_numbers(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> None:
    """frame2 comes before frame10, 25 a second unless told otherwise; what is no picture is counted."""
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), astronaut[: 10 * number, :32])
    (tmp_path / "frame3.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("left out")
    source = open_source(tmp_path, None)
    frames = list(source.frames())
    files = [tmp_path / f"frame{number}.png" for number in (1, 2, 10)]
    assert [frame.picture for frame in frames] == [file.read_bytes() for file in files]
    assert [f.capture_time_s for f in frames] == [0.0, 0.04, 0.12]
    assert (source.broken, source.duration_s) == (1, 0.16)


def test_photographs_are_turned_upright(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> None:
    """A JPEG that its EXIF turns by a quarter comes out upright; one that it leaves alone, as its bytes."""
    jpeg = cv2.imencode(".jpg", astronaut[:100, :200])[1].tobytes()

    def with_orientation(value: int) -> Path:
        tiff = b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0" + bytes([value, 0, 0, 0]) + bytes(4)
        segment = b"Exif\0\0" + tiff
        path = tmp_path / f"{value}.jpg"
        path.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:])
        return path

    turned = read_picture(with_orientation(6))
    assert isinstance(turned, np.ndarray)
    assert turned.shape == (200, 100, 3)
    plain = with_orientation(1)
    assert read_picture(plain) == plain.read_bytes()


def test_pictures_that_the_interface_does_not_know_are_decoded(
    tmp_path: Path, astronaut: npt.NDArray[np.uint8]
) -> None:
    """BMP and TIFF are read here, in the right order of colours; text is refused."""
    for suffix in (".bmp", ".tiff"):
        cv2.imwrite(str(tmp_path / f"p{suffix}"), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
        assert np.array_equal(np.asarray(read_picture(tmp_path / f"p{suffix}")), astronaut)
    (tmp_path / "notes.txt").write_text("Dear diary")
    with pytest.raises(VideoError, match="not a picture that can be read"):
        read_picture(tmp_path / "notes.txt")
    with pytest.raises(VideoError, match="No such file"):
        read_picture(tmp_path / "gone.jpg")
