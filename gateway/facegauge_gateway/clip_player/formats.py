"""Which files are opened: videos and pictures that hold what they show.

FFmpeg also knows formats that lead elsewhere (playlists, lists of files, descriptions of sessions): whoever
sends one would choose what is read on this machine. Those are not opened, whatever a file is called.
"""

from __future__ import annotations

from pathlib import Path

import av

__all__ = ["CannotPlay", "check_format"]

FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "ivf", "mxf", "dv", "gif", "apng"),
    *("h264", "hevc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "yuv4mpegpipe"),
    *("jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"),
)
"""As FFmpeg calls them; the first name is enough."""


class CannotPlay(Exception):
    """A file that is not played; the text says why, in a sentence."""


def check_format(path: Path, name: str) -> None:
    """Raise CannotPlay for a file that is no video and no picture, by what is in it."""
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options) as container:
            has_video = bool(container.streams.video)
    except (av.FFmpegError, OSError, ValueError):
        raise CannotPlay(
            f"{name} is no video or picture that can be read here: use MP4, WebM, MKV, MOV, AVI, JPEG, PNG or"
            " WebP"
        ) from None
    if not has_video:
        raise CannotPlay(f"{name} has no picture: there is no video in this file")
