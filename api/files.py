"""Bodies that are files: taken in and given out through a temporary file, a piece at a time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from api.errors import Detail, Problem
from services.files.fault import FileTooLarge
from services.files.write import MEDIA_TYPES, Format
from services.imports import FILE_BYTES_MAX

_PIECE_BYTES = 1 << 18
# A file may take long, a pause in it may not.
_PAUSE_S: Final = 30.0


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Path]:
    """Give the body of a request as a file, gone afterwards.

    Raises
    ------
    Problem
        If it pauses for too long, or its sender goes away.
    FileTooLarge
        If it is longer than is taken, as soon as that shows.
    """
    with tempfile.TemporaryDirectory(prefix="nengtan-upload-") as folder:
        path = Path(folder) / "body"
        size_bytes = 0
        with path.open("wb") as file:
            stream = aiter(request.stream())
            try:
                while True:
                    async with asyncio.timeout(_PAUSE_S):
                        piece = await anext(stream, None)
                    if piece is None:
                        break
                    size_bytes += len(piece)
                    if size_bytes > FILE_BYTES_MAX:
                        raise FileTooLarge(
                            f"the file is larger than {FILE_BYTES_MAX} bytes: split it, or"
                            " compress it",
                            f"文件超过 {FILE_BYTES_MAX} 字节：请拆分或压缩",
                        )
                    await asyncio.to_thread(file.write, piece)
            except (TimeoutError, ClientDisconnect) as error:
                raise Problem(
                    "timeout",
                    Detail(
                        f"the file stopped coming for {_PAUSE_S:.0f} s: send it again",
                        f"文件传输中断 {_PAUSE_S:.0f} 秒：请重新发送",
                    ),
                    headers={"Connection": "close"},
                ) from error
        yield path


def attachment(name: str) -> str:
    """Return the header that names a file, whatever its letters (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def sent(
    path: Path, folder: tempfile.TemporaryDirectory[str], *, name: str, form: Format
) -> StreamingResponse:
    """Return a file as an answer; its folder goes when it is sent."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            with path.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                    yield piece
        finally:
            folder.cleanup()

    return StreamingResponse(
        pieces(),
        media_type=MEDIA_TYPES[form],
        headers={
            "Content-Disposition": attachment(f"{name}.{form}"),
            "Content-Length": str(path.stat().st_size),
        },
    )
