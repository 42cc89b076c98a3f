"""A stand-in for the routes of Grafana that we use, over real HTTP; it keeps what it is sent."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "glsa_the-token"

Answer = tuple[int, Any]


@dataclass
class Grafana:
    """What an organisation of a Grafana holds, and what it was asked.

    `refusals` makes a route answer what a Grafana in another state would.
    """

    prefix: str = "/api"
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """Return status and body as Grafana's HTTP API documents them."""
        if not path.startswith(f"{self.prefix}/"):
            return 404, {"message": "Not found"}
        path = path.removeprefix(self.prefix)
        if self.headers[-1].get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        if (method, path) in self.refusals:
            return self.refusals[method, path]
        parts = path.strip("/").split("/")
        if parts == ["org"]:
            return 200, {"id": 3, "name": "示范铸造厂"}
        if method == "POST":
            return self._added("/".join(parts), body)
        held = {"folders": self.folders, "datasources": self.sources}.get(parts[0], {})
        return self._held(held, parts[-1], method, body)

    def _added(self, path: str, body: Any) -> Answer:
        if path == "folders":
            clash, held, uid, answer = 412, self.folders, body["uid"], body
        elif path == "datasources":
            clash, held, uid, answer = 409, self.sources, body["uid"], {"datasource": body}
        else:
            uid = body["dashboard"]["uid"]
            clash, held, answer = 412, self.dashboards, {"uid": uid, "status": "success"}
            if body.get("overwrite"):
                held.pop(uid, None)
        if uid in held:
            return clash, {"message": "it already exists"}
        held[uid] = body
        return 200, answer

    @staticmethod
    def _held(held: dict[str, dict[str, Any]], uid: str, method: str, body: Any) -> Answer:
        if uid not in held:
            return 404, {"message": "not found"}
        if method == "PUT":
            held[uid] = {**held[uid], **body}
        return 200, held[uid]


@contextmanager
def served(grafana: Grafana, *, certificate: Path | None = None) -> Iterator[str]:
    """Serve it on a free port of this machine; give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            grafana.headers.append(dict(self.headers.items()))
            grafana.requests.append((self.command, self.path, body))
            status, answer = grafana.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            if status in {301, 302}:
                self.send_header("Location", answer)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the library calls them so

        def log_message(self, *_: object) -> None:
            """Say nothing: the test asks what was sent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
