# /// script
# requires-python = ">=3.11"
# dependencies = ["standardwebhooks>=1.1"]
# ///
r"""Receive Facegauge's events: verify each, answer at once, and print what changed.

    printf 'whsec_%s\n' "$(openssl rand -base64 32)" > secret
    uv run receiver.py secret 8090
    facegauge-server --webhook-url http://127.0.0.1:8090/ --webhook-secret-file secret

Put a reverse proxy with TLS in front where the server is on another machine.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import ClassVar

from standardwebhooks import Webhook, WebhookVerificationError

MAX_BODY_BYTES = 64 * 1024
REMEMBERED = 10_000
"""Ids that are kept in order to leave out what comes twice: delivery is at least once."""


class Receiver(BaseHTTPRequestHandler):
    """Takes one event a request."""

    webhook: Webhook
    timeout = 10  # seconds that a sender may be silent
    seen: ClassVar[OrderedDict[str, None]] = OrderedDict()
    lock: ClassVar[Lock] = Lock()

    def do_POST(self) -> None:
        """Verify the event before anything else is done with it."""
        length = int(self.headers.get("content-length", "0"))
        if not 0 < length <= MAX_BODY_BYTES:
            return self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            event = self.webhook.verify(self.rfile.read(length), dict(self.headers))
        except WebhookVerificationError:
            return self._answer(HTTPStatus.UNAUTHORIZED)
        # 2xx says that the event is safe here: a real back end puts it into its own queue first.
        if self._is_new(event["id"]):
            data = event["data"]
            print(event["time"], data["call_id"], data["stream_id"], data["kind"], flush=True)
        return self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""

    def _is_new(self, event_id: str) -> bool:
        with self.lock:
            if event_id in self.seen:
                return False
            self.seen[event_id] = None
            if len(self.seen) > REMEMBERED:
                self.seen.popitem(last=False)
            return True

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def main() -> None:
    """Serve until interrupted."""
    secret_file, port = sys.argv[1:]
    Receiver.webhook = Webhook(Path(secret_file).read_text().split()[0])
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Receiver)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
