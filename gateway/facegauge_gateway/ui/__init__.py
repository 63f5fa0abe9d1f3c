"""The page: live streams, one's own camera, and clips dropped on it, for people with a browser.

`guard` decides who may ask, `page_files` serves the page, `wall`, `stream_watch` and `event_log` follow the
server for its readers, `clips` are what is dropped on it, and `door` puts them on one application, with the
WHIP door's.
"""

from facegauge_gateway.ui.door import UiDoor
from facegauge_gateway.ui.settings import UiSettings
from facegauge_gateway.ui.url_template import UrlTemplate

__all__ = ["UiDoor", "UiSettings", "UrlTemplate"]
