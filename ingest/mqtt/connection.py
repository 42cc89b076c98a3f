"""One MQTT 5 connection as a stream of packets: framing, back-pressure and a watch on the peer."""

import asyncio
from collections.abc import Callable
from typing import cast

import mqtt5

from ingest.mqtt.receiver import ConnectionEnded

_BUFFER_BYTES = 256 * 1024
_HEADER_BYTES_MAX = 5  # packet type, and up to four of length
# After a read that brought messages, but few, the socket is left alone for this long. A broker
# under load writes message by message: read one by one, waking costs more than all the rest.
_REST_S = 0.002
_REST_BYTES_MAX = 64 * 1024
# What is written in one turn of the loop leaves together, and earlier if it is more than this.
_PIECE_BYTES_MAX = 64 * 1024
_PING = mqtt5.PingReqPacket().write()


class Connection(asyncio.BufferedProtocol):
    """Packets from a socket, until one of the sides has had enough.

    Parameters
    ----------
    handle : callable
        Called with each packet; returns whether to go on reading. Raises `ConnectionEnded` at a
        packet that must not come.
    packet_bytes_max : int
        A larger packet ends the connection.
    """

    def __init__(self, handle: Callable[[mqtt5.Packet], bool], *, packet_bytes_max: int) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = loop.create_future()  # why the connection is over
        self._handle = handle
        self._packet_bytes_max = packet_bytes_max
        self._buffer = bytearray(_BUFFER_BYTES)
        self._start = self._end = 0  # of what was received and not read as packets
        self._needed_bytes = 2  # received before the next packet can be whole
        self._transport: asyncio.Transport | None = None
        self._is_paused = False  # whether `handle` has asked to stop
        self._has_delivered = False  # whether the last read brought a message
        self._is_resting = False  # whether more is left to gather
        self._is_held = False  # whether the transport was told so
        self._unsent = bytearray()
        self._heard_s = loop.time()
        self.writable = asyncio.Event()  # clear while the peer takes nothing more
        self.writable.set()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport. asyncio and uvloop set TCP_NODELAY themselves."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where to receive to: behind what is there, moved to the front when it helps."""
        held_bytes = self._end - self._start
        if self._needed_bytes > len(self._buffer):
            grown = bytearray(self._needed_bytes)
            grown[:held_bytes] = self._buffer[self._start : self._end]
            self._buffer, self._start, self._end = grown, 0, held_bytes
        elif self._start and (
            held_bytes == 0 or self._start + self._needed_bytes > len(self._buffer)
        ):
            self._buffer[:held_bytes] = self._buffer[self._start : self._end]
            self._start, self._end = 0, held_bytes
        return memoryview(self._buffer)[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """Read the packets that are whole now."""
        self._end += nbytes
        self._heard_s = asyncio.get_running_loop().time()
        self._has_delivered = False
        self._read()
        if self._has_delivered and nbytes < _REST_BYTES_MAX and not self._is_resting:
            self._is_resting = True
            self._hold()
            asyncio.get_running_loop().call_later(_REST_S, self._rested)

    def eof_received(self) -> None:
        """Let the transport close."""
        self._end_with("the broker closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self._end_with(str(exc) if exc else "the connection was closed")
        self.writable.set()

    def pause_writing(self) -> None:
        """Hold writers: the peer does not read."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self.writable.set()

    # What the receiver calls

    @property
    def is_paused(self) -> bool:
        """Whether reading waits for room."""
        return self._is_paused

    def write(self, data: bytes | bytearray) -> None:
        """Send bytes; nothing happens once the connection is over."""
        if self._transport is None or self.ended.done():
            return
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent += data
        if len(self._unsent) > _PIECE_BYTES_MAX:
            self._send()

    def resume(self) -> None:
        """Read on after `handle` asked to stop."""
        if self._is_paused and self._transport is not None and not self.ended.done():
            self._is_paused = False
            self._heard_s = asyncio.get_running_loop().time()
            self._read()
            self._release()

    def watch(self, *, silence_s_max: float) -> None:
        """Ping the peer, or end the connection if it has been silent for too long."""
        self.write(_PING)
        silence_s = asyncio.get_running_loop().time() - self._heard_s
        # While reading waits, the silence is ours.
        if silence_s > silence_s_max and not self._is_paused:
            self.abort(f"the broker was silent for {silence_s:.0f} s")

    def close(self) -> None:
        """Close after what was written is sent."""
        self._send()
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._end_with(reason)
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if self._unsent and self._transport is not None and not self.ended.done():
            self._transport.write(self._unsent)
        self._unsent = bytearray()

    def _end_with(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    def _read(self) -> None:
        view = memoryview(self._buffer)
        try:
            while self._end - self._start >= self._needed_bytes and not self.ended.done():
                self._needed_bytes = self._whole_bytes()
                if self._end - self._start < self._needed_bytes:
                    return
                stop = self._start + self._needed_bytes
                packet = _decode(view[self._start : stop])
                self._start = stop
                self._needed_bytes = 2
                self._has_delivered |= type(packet) is mqtt5.PublishPacket
                if not self._handle(packet):
                    self._pause()
                    return
        except ConnectionEnded as error:
            self.abort(str(error))

    def _whole_bytes(self) -> int:
        """Return how many bytes the first packet has; one more than there are if unknown."""
        length = 0
        held_bytes = self._end - self._start
        for index in range(1, _HEADER_BYTES_MAX):
            if index >= held_bytes:
                return held_bytes + 1
            byte = self._buffer[self._start + index]
            length |= (byte & 0x7F) << (7 * (index - 1))
            if byte < 0x80:
                whole = 1 + index + length
                if whole > self._packet_bytes_max:
                    raise ConnectionEnded(
                        f"a packet of {whole} bytes; at most {self._packet_bytes_max} are taken"
                    )
                return whole
        raise ConnectionEnded("a packet with a malformed length")

    def _pause(self) -> None:
        self._is_paused = True
        self._hold()

    def _rested(self) -> None:
        self._is_resting = False
        self._release()

    def _hold(self) -> None:
        if self._transport is not None and not self._is_held and not self._transport.is_closing():
            self._is_held = True
            self._transport.pause_reading()

    def _release(self) -> None:
        """Let the transport read again, unless something still speaks against it."""
        if self._transport is None or self._transport.is_closing() or self.ended.done():
            return
        if self._is_held and not self._is_paused and not self._is_resting:
            self._is_held = False
            self._transport.resume_reading()


def _decode(data: memoryview) -> mqtt5.Packet:
    """Return the packet that fills `data`, or raise `ConnectionEnded`."""
    try:
        packet, length = mqtt5.read(data)
    except (ValueError, IndexError) as error:
        raise ConnectionEnded(f"a malformed packet: {error}") from error
    except BaseException as error:
        # mqtt5 0.8 panics at text that is not UTF-8, and a panic is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise ConnectionEnded(f"a malformed packet: {error}") from error
    if length != len(data):
        raise ConnectionEnded(f"a packet of {len(data)} bytes of which {length} were used")
    return packet
