"""Gateways that cost next to nothing: packets made beforehand, written in blocks, acks counted.

A process of its own, so that what it costs is not the centre's:

    python -m tests.benchmarks.load '<json of Load>'

It says `ready`, waits for a line, sends, and says as JSON how long it took.
"""

import json
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

GATEWAY_COUNT = 10
POINT_COUNT = 100  # of each gateway
SITE_GATEWAYS = 100
START_MS = 1_735_689_600_000  # 2025-01-01
STEP_MS = 1_000
_BLOCK_BYTES = 128 * 1024
_PUBACK_BYTES = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, where, and how fast."""

    port: int
    epoch: str
    readings_per_message: int
    reading_count: int
    messages_per_s: float = 0.0  # 0: as fast as they are taken
    window_messages: int = 20_000
    waits_for: str = "receipts"  # or acks: of the broker alone
    first_gateway: int = 0
    gateway_count: int = GATEWAY_COUNT
    start_ms: int = START_MS
    patience_s: float = 300.0


def topic(gateway: int, channel: str = "telemetry") -> str:
    """Return a topic of a gateway."""
    return f"nengtan/v1/bench/{site_of(gateway)}/g{gateway}/{channel}"


def site_of(gateway: int) -> str:
    """Return the site of a gateway: one document describes no more than some."""
    number = gateway // SITE_GATEWAYS
    return f"site-{number}" if number else "main"


def columns(load: Load) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ts_ms, point (counted over all gateways) and value, in the order of sending."""
    number = np.arange(load.reading_count, dtype=np.int64)
    width = load.gateway_count * POINT_COUNT
    ts_ms = load.start_ms + STEP_MS * (number // width)
    point = (load.first_gateway * POINT_COUNT + number % width).astype(np.int32)
    value = np.random.default_rng(7).uniform(0, 500, load.reading_count).round(3)
    return ts_ms, point, value


def payloads(load: Load) -> list[tuple[int, int, bytes]]:
    """Return (gateway, seq, payload) of each message."""
    ts_ms, point, value = (column.tolist() for column in columns(load))
    size = load.readings_per_message
    seq = [0] * (load.first_gateway + load.gateway_count)
    made = []
    for start in range(0, load.reading_count, size):
        gateway = point[start] // POINT_COUNT
        seq[gateway] += 1
        inner = ",".join(f'"P{point[i]}":{value[i]}' for i in range(start, start + size))
        text = (
            f'{{"epoch":"{load.epoch}","seq":{seq[gateway]},"ts":{ts_ms[start]},'
            f'"points":{{{inner}}}}}'
        )
        made.append((gateway, seq[gateway], text.encode()))
    return made


def packets(load: Load) -> tuple[bytes, np.ndarray, dict[tuple[int, int], int]]:
    """Return the PUBLISH packets in one piece, where each begins, and gateway and seq of each."""
    parts = []
    numbers: dict[tuple[int, int], int] = {}
    for number, (gateway, seq, payload) in enumerate(payloads(load)):
        numbers[gateway, seq] = number
        parts.append(packet(topic(gateway), number % 65_535 + 1, payload))
    offset = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=offset[1:])
    return b"".join(parts), offset, numbers


def packet(name: str, number: int, payload: bytes) -> bytes:
    """Return a PUBLISH at QoS 1."""
    encoded = name.encode()
    body = len(encoded).to_bytes(2, "big") + encoded + number.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


def _length(count: int) -> bytes:
    encoded = bytearray()
    while True:
        count, byte = divmod(count, 128)
        encoded.append(byte | (0x80 if count else 0))
        if not count:
            return bytes(encoded)


def connect(port: int, client_id: str) -> socket.socket:
    """Return a socket on which the broker has said welcome (MQTT 3.1.1, clean session)."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    body = text("MQTT") + b"\x04\xc2\x00\x00" + text(client_id) + text("load") + text("load")
    line = socket.create_connection(("127.0.0.1", port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(b"\x10" + _length(len(body)) + body)
    assert line.recv(4) == b"\x20\x02\x00\x00"
    return line


def subscribe(line: socket.socket, pattern: str) -> None:
    """Subscribe at QoS 0, and wait for the answer."""
    body = b"\x00\x01" + len(pattern).to_bytes(2, "big") + pattern.encode() + b"\x00"
    line.sendall(b"\x82" + _length(len(body)) + body)
    assert line.recv(5)[:2] == b"\x90\x03"


class Receipts:
    """Notes when each message was first named by a receipt."""

    def __init__(self, port: int, epoch: str, numbers: dict[tuple[int, int], int]) -> None:
        self.line = connect(port, f"{epoch}-receipts")
        subscribe(self.line, "nengtan/v1/bench/+/+/receipt")
        self.count = 0
        self.at_s = np.zeros(len(numbers))
        self._numbers = numbers
        self._epoch = epoch
        self._held = bytearray()

    def read(self) -> None:
        """Take what has come."""
        self._held += self.line.recv(1 << 20)
        now_s = time.monotonic()
        while (packet := self._packet()) is not None:
            start = 2 + int.from_bytes(packet[:2], "big")
            receipt = json.loads(packet[start:])
            if receipt["epoch"] != self._epoch:
                continue
            assert not receipt["rejected"], receipt["rejected"][:3]
            gateway = int(packet[2:start].split(b"/")[4][1:])
            for first, last in receipt["seq"]:
                for seq in range(first, last + 1):
                    number = self._numbers[gateway, seq]
                    self.count += self.at_s[number] == 0
                    self.at_s[number] = self.at_s[number] or now_s

    def _packet(self) -> bytes | None:
        length = shift = 0
        for index in range(1, len(self._held)):
            length |= (self._held[index] & 0x7F) << shift
            shift += 7
            if self._held[index] < 0x80:
                stop = index + 1 + length
                if len(self._held) < stop:
                    return None
                packet = bytes(self._held[index + 1 : stop])
                del self._held[:stop]
                return packet
        return None


def run(load: Load) -> dict[str, float]:
    """Send everything; return the seconds until all was confirmed, and what it cost here."""
    stream, offset, numbers = packets(load)
    view = memoryview(stream)
    count = len(offset) - 1
    receipts = Receipts(load.port, load.epoch, numbers)
    line = connect(load.port, load.epoch)
    line.setblocking(False)
    print("ready", flush=True)
    sys.stdin.readline()
    began_s, spent_s = time.monotonic(), time.process_time()
    written = acked_bytes = 0
    acked_s = 0.0
    sent_s = np.zeros(count)
    while True:
        acked = acked_bytes // _PUBACK_BYTES
        confirmed = receipts.count if load.waits_for == "receipts" else acked
        if acked == count and confirmed >= count:
            break
        allowed = min(count, acked + load.window_messages)
        if load.messages_per_s:
            due = int((time.monotonic() - began_s) * load.messages_per_s)
            allowed = min(allowed, due)
        until = min(int(offset[allowed]), written + _BLOCK_BYTES)
        wanted = [line] if until > written else []
        pause_s = 0.002 if load.messages_per_s and acked < count else 5.0
        readable, writable, _ = select.select([line, receipts.line], wanted, [], pause_s)
        if line in readable:
            acked_bytes += len(line.recv(1 << 18))
            acked_s = time.monotonic() - began_s
        if receipts.line in readable:
            receipts.read()
        if writable:
            before = int(np.searchsorted(offset, written, side="right")) - 1
            written += line.send(view[written:until])
            after = int(np.searchsorted(offset, written, side="right")) - 1
            sent_s[before:after] = time.monotonic()
        assert time.monotonic() - began_s < load.patience_s, (
            f"{acked} acked, {receipts.count} receipted"
        )
    return {
        "seconds": time.monotonic() - began_s,
        "acked_s": acked_s,
        "cpu_s": time.process_time() - spent_s,
        "messages": count,
        **_delays(receipts.at_s - sent_s if load.waits_for == "receipts" else np.zeros(1)),
    }


def _delays(delay_s: np.ndarray) -> dict[str, float]:
    """Return half, nearly all and the longest of the times from publication to receipt."""
    p50, p99, longest = np.percentile(delay_s, [50, 99, 100]).tolist()
    return {"p50_s": p50, "p99_s": p99, "longest_s": longest}


def argument(load: Load) -> str:
    """Return a load as the command line takes it."""
    return json.dumps(asdict(load))


if __name__ == "__main__":
    print(json.dumps(run(Load(**json.loads(sys.argv[1])))), flush=True)
