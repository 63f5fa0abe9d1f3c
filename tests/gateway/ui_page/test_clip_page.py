"""A clip that is dropped on the page ends as a report; what is no clip gets a sentence."""

from __future__ import annotations

import base64
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from facegauge_client.demo.call import Act, play_call
from tests.gateway.ui_page.conftest import OpenPage


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the demo's call as an MP4 file."""
    path = tmp_path_factory.mktemp("clip") / "standup <i>1.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "superfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number, one in enumerate(play_call((Act(2, 400, 360),))):
            frame = one.frame.reformat(640, 360, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def drop(page: Page, file: Path) -> None:
    """Drop a file on the page as a person does."""
    data = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(
        """([name, data]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name));
            for (const kind of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried}));
        }""",
        [file.name, data],
    )


def test_a_dropped_clip_becomes_a_report(open_page: OpenPage, clip: Path) -> None:
    """From the wall to the report, which is the one of `replay --report`; it can be saved, and removed."""
    page = open_page()
    drop(page, clip)
    card = page.locator(".card")
    expect(card.get_by_role("heading")).to_have_text(clip.name)
    expect(card.locator(".says")).to_contain_text("Mean quality 0.")
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", level=1)).to_contain_text("Quality of")
    expect(card.get_by_role("link", name="Save it")).to_have_attribute("download", "standup <i>1.html")
    card.get_by_role("button", name="Remove").click()
    expect(card).to_have_count(0)


def test_a_picture_becomes_a_report_too(open_page: OpenPage, portrait_jpeg: bytes, tmp_path: Path) -> None:
    """A still is a clip of one frame."""
    picture = tmp_path / "portrait.jpg"
    picture.write_bytes(portrait_jpeg)
    page = open_page("#/clip")
    page.get_by_label("Drop a file").set_input_files(picture)
    expect(page.locator(".card .says")).to_contain_text("Mean quality 0.")


def test_two_tabs_drop_the_same_clip(open_page: OpenPage, clip: Path) -> None:
    """Each gets its own report."""
    pages = [open_page("#/clip") for _ in range(2)]
    for page in pages:
        drop(page, clip)
    for page in pages:
        expect(page.locator(".card .says")).to_contain_text("Mean quality 0.")


def test_what_is_no_clip_gets_a_sentence(open_page: OpenPage, tmp_path: Path) -> None:
    """A text, an empty file and one of 5 GB: each is told why not, and nothing hangs."""
    text, empty, huge = (tmp_path / name for name in ("letter.mp4", "empty.mp4", "huge.mp4"))
    text.write_text("Dear Sir or Madam\n" * 100)
    empty.touch()
    with huge.open("wb") as hole:
        hole.truncate(5 * 10**9)
    page = open_page("#/clip", allowed=("422", "415", "400"))
    for file in (text, empty, huge):
        page.get_by_label("Drop a file").set_input_files(file)
    problems = {
        name: page.locator(".card").filter(has_text=name).locator(".problem")
        for name in ("letter.mp4", "empty.mp4", "huge.mp4")
    }
    expect(problems["letter.mp4"]).to_be_visible()
    expect(problems["empty.mp4"]).to_contain_text("It is empty")
    expect(problems["huge.mp4"]).to_contain_text("It has 5.0 GB")
