"""Receivers of alerts on loopback: a web server that misbehaves as told, and a mail server."""

import base64
import contextlib
import json
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

_HANG_S = 60.0
_BLOCK = b"x" * 65_536


@dataclass(frozen=True)
class Received:
    """A request that came in whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    behaviour: str

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def event(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))

    @property
    def kind(self) -> str:
        return str(self.event["type"]).split(".")[3]


@dataclass
class Receiver:
    """A web server; each request is met with the next behaviour of `script`, then with `then`.

    Behaviours: a status, `429:7` with Retry-After, `hang`, `close` (without an answer), `cut`
    (within the head), `redirect`, `endless` (200 and a body without end), `slow` (200 and a body
    that never comes), `junk`.
    """

    script: list[str] = field(default_factory=list)
    then: str = "200"
    said: bytes = b"said"
    received: list[Received] = field(default_factory=list)
    sent_bytes: int = 0
    tls: ssl.SSLContext | None = None
    port: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Is told of a request before it is answered.
    note: Callable[[Received], None] | None = None

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}/hook"

    def taken(self) -> list[Received]:
        """Return what was answered with 2xx."""
        return [one for one in self.received if one.behaviour in ("200", "204", "endless", "slow")]

    @contextlib.contextmanager
    def running(self) -> Iterator["Receiver"]:
        receiver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    receiver.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64

        with Server(("127.0.0.1", self.port), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.stopping.set()
                server.shutdown()
                thread.join()

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(_HANG_S)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            self._meet(connection)

    def _meet(self, connection: socket.socket) -> None:
        method, target, headers, body = _read_request(connection)
        with self.lock:
            behaviour = self.script.pop(0) if self.script else self.then
            one = Received(method, target, headers, body, behaviour)
            self.received.append(one)
            if self.note is not None:
                self.note(one)
        self.arrived.set()
        match behaviour.partition(":")[0]:
            case "hang":
                self.stopping.wait(_HANG_S)
            case "close":
                return
            case "cut":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
            case "junk":
                connection.sendall(b"\x00\x01\x02 not http at all\r\n\r\n")
            case "redirect":
                head = "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:5432/\r\n"
                connection.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
            case "slow":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                self.stopping.wait(_HANG_S)
            case "endless":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
                while not self.stopping.is_set():
                    connection.sendall(_BLOCK)
                    self.sent_bytes += len(_BLOCK)
            case status:
                wait = behaviour.partition(":")[2]
                more = f"Retry-After: {wait}\r\n" if wait else ""
                said = b"" if status == "204" else self.said
                head = f"HTTP/1.1 {status} Said\r\n{more}Content-Length: {len(said)}\r\n\r\n"
                connection.sendall(head.encode() + said)


def _read_request(connection: socket.socket) -> tuple[str, str, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    method, target, _ = first.split(" ")
    return method, target, headers, body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError("the client left")
    return data


@dataclass
class MailSink:
    """A mail server that keeps what it is handed (RFC 5321); `refusals` are answers to RCPT.

    With `tls` it speaks TLS, from the beginning (`is_implicit`) or once it is asked to (RFC 3207),
    and only then takes a login (RFC 4954) with the password that it was given.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    password: str = ""
    logins: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    clear_words: list[str] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator["MailSink"]:
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    sink.serve(self)

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                # Encrypted, it is another than the server closes.
                self.connection.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def serve(self, handler: socketserver.StreamRequestHandler) -> None:
        def say(*lines: str) -> None:
            marks = ["-"] * (len(lines) - 1) + [" "]
            said = [f"{line[:3]}{mark}{line[4:]}" for line, mark in zip(lines, marks, strict=True)]
            handler.wfile.write("".join(f"{line}\r\n" for line in said).encode())

        is_encrypted = self.is_implicit
        if self.is_implicit:
            self._encrypt(handler)
        say("220 sink ESMTP")
        to: list[str] = []
        while line := handler.rfile.readline():
            word = line.decode("ascii").strip().upper()
            if not is_encrypted:
                self.clear_words.append(word.split(" ")[0])
            if word.startswith("EHLO"):
                offers = ["250 STARTTLS"] if self.tls and not is_encrypted else ["250 AUTH PLAIN"]
                say("250 sink", *offers)
            elif word == "STARTTLS":
                say("220 go on")
                self._encrypt(handler)
                is_encrypted = True
            elif word.startswith("AUTH PLAIN"):
                user, password = self._login(line)
                self.logins.append(user)
                say("235 welcome" if password == self.password else "535 no")
            elif word.startswith("RCPT"):
                answer = self.refusals.pop(0) if self.refusals else "250 fine"
                if answer.startswith("250"):
                    to.append(line.decode("ascii").partition("<")[2].partition(">")[0])
                say(answer)
            elif word == "DATA":
                say("354 go on")
                self._keep(handler, to)
                self.was_encrypted.append(is_encrypted)
                to = []
                say("250 kept")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")

    def _encrypt(self, handler: socketserver.StreamRequestHandler) -> None:
        assert self.tls is not None
        connection = self.tls.wrap_socket(handler.connection, server_side=True)
        handler.connection = connection
        handler.rfile = connection.makefile("rb")
        handler.wfile = cast("BufferedIOBase", connection.makefile("wb", buffering=0))

    def _login(self, line: bytes) -> tuple[str, str]:
        _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
        return user, password

    def _keep(self, handler: socketserver.StreamRequestHandler, to: list[str]) -> None:
        lines = [
            line.removeprefix(b".") if line.startswith(b"..") else line
            for line in iter(handler.rfile.readline, b".\r\n")
        ]
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        self.mails.append(mail)
        self.recipients.append(list(to))


def own_certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate for a name, which is `cert.pem` of a folder."""
    folder.mkdir(exist_ok=True)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={name}",
                "-addext",
                f"subjectAltName=DNS:{name}",
            ),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
