"""The HTTP of the adapter to copy: a client of the hub's API, and an inbox. Your platform has both.

Whoever has read ``reference_adapter`` needs to know three things of it: ``Hub.call`` signs in by client credentials
and says 0 for «nothing heard»; ``listen`` hands a push over whole or not at all; ``Refused`` is said to the hub.
"""

import base64
import http.client
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LARGEST = 1_000_000  # bytes of one notice


class Refused(Exception):
    """The notice is not taken: the status to answer a push with, and the code of the hub's error catalogue."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Hub:
    """The hub's API with a token of client credentials."""

    def __init__(self, base: str, client: str, secret: str) -> None:
        self.base, self.token = base.rstrip("/"), ""
        self.basic = base64.b64encode(f"{client}:{secret}".encode()).decode()

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, Any, bytes]:
        """Status (0: nothing heard), headers and content; a token that is not taken any more is renewed once."""
        for _ in range(2):
            if not self.token:
                form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "deliveries reports"})
                status, headers, told = self.ask(
                    "POST", "/oauth/token", form, f"Basic {self.basic}", "x-www-form-urlencoded"
                )
                if status != 200:
                    return status if status >= 500 else 0, headers, b""
                self.token = json.loads(told)["access_token"]
            status, headers, told = self.ask(method, path, body, f"Bearer {self.token}", "json")
            if status != 401:
                return status, headers, told
            self.token = ""
        return 0, {}, b""

    def ask(self, method: str, path: str, body: str | None, who: str, form: str) -> tuple[int, Any, bytes]:
        """One exchange."""
        headers = {"Authorization": who, "Content-Type": f"application/{form}", "Accept": "application/json"}
        data = body.encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310 - from settings
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()
        except (OSError, http.client.HTTPException):  # no connection, or one that broke before all was said
            return 0, {}, b""


def listen(port: int, push: Callable[[Any, bytes], tuple[int, Any]], books: Callable[[], Any]) -> None:
    """The inbox, and the books for the conformance kit (keep that door shut in production)."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            try:
                if not length.isdigit() or int(length) > LARGEST:
                    self.close_connection = True
                    raise Refused(413, "E105")
                body = self.rfile.read(int(length))
                if len(body) < int(length):
                    return  # the line broke: nothing was taken, the hub sends again
                self.say(*push(self.headers, body))
            except Refused as refused:
                self.say(refused.status, {"code": refused.code, "status": refused.status})

        def do_GET(self) -> None:
            self.say(*(200, books()) if self.path == "/books" else (404, {}))

        def say(self, status: int, told: Any = None) -> None:
            body = json.dumps(told).encode() if told is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Nothing: a log holds no one's name."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
