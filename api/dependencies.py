"""What routes are given: the database, the time, a period, a page."""

import base64
import binascii
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from api.errors import Detail, Problem
from compute.periods import from_us, to_us
from compute.quantities import hint
from services import clock
from services.store.pool import Database

ROWS_MAX: Final = 10_000
_ROWS_DEFAULT: Final = 1_000
_CURSOR_LENGTH_MAX = 512
# Instants outside are typing errors, and would overflow in some zone.
_EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class Schema(BaseModel):
    """A part of a request or an answer: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


def _only_text(value: object) -> object:
    # Pydantic would also take a number of seconds: only the written form is meant.
    if isinstance(value, str) and "T" not in value and "t" not in value:
        raise ValueError("not an instant of RFC 3339, such as 2026-01-31T16:00:00Z")
    return value


def _unquoted(value: object) -> object:
    return value.strip('"') if isinstance(value, str) else value


def _within(value: datetime) -> datetime:
    if not _EARLIEST <= value <= _LATEST:
        raise ValueError("outside 1970 to 2200")
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_within)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
_VISIBLE = r"[^\s\x00-\x1f\x7f-\x9f]"
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        # Neither blank nor with a control character in it.
        pattern=rf"^[^\x00-\x1f\x7f-\x9f]*{_VISIBLE}[^\x00-\x1f\x7f-\x9f]*$",
    ),
]


async def database(request: Request) -> Database:
    """Return the pool of this process."""
    return cast("Database", request.app.state.database)


async def now() -> datetime:
    """Return the instant at which the request is answered."""
    return clock.now()


Store = Annotated[Database, Depends(database)]
Now = Annotated[datetime, Depends(now)]
SiteCode = Annotated[Code, Query(description="厂区编码 / Code of the site", examples=["plant1"])]
SiteInPath = Annotated[Code, Path(description="厂区编码 / Code of the site", examples=["plant1"])]
Start = Annotated[
    Instant,
    Query(description="起（含）/ From, inclusive", examples=["2026-01-31T16:00:00Z"]),
]
End = Annotated[
    Instant,
    Query(description="止（不含）/ To, exclusive", examples=["2026-02-28T16:00:00Z"]),
]
Limit = Annotated[
    int, Query(ge=1, le=ROWS_MAX, description=f"每页行数 / Rows a page, at most {ROWS_MAX}")
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=_CURSOR_LENGTH_MAX,
        description="上页给出的游标 / Cursor that the page before gave",
    ),
]
IfRevision = Annotated[
    int | None,
    BeforeValidator(_unquoted),
    Header(
        alias="If-Match",
        ge=0,
        lt=2**31,
        description="所依据的版本号；从未录入为 0 / Revision it is from; 0: none was stated",
    ),
]
ROWS_DEFAULT: Final = _ROWS_DEFAULT


async def only_known_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not have, or has twice.

    Raises
    ------
    Problem
        With the nearest name.
    """
    route = request.scope["route"]
    # Every query parameter stands in the signature of its route, none in a dependency.
    known = {field.alias for field in route.dependant.query_params}
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise _unknown(name, known)
        if name in seen:
            raise Problem(
                "invalid",
                Detail(
                    f"{name} stands twice: give it once", f"{name} 重复：只给一次", pointer=name
                ),
            )
        seen.add(name)


def _unknown(name: str, known: Iterable[str]) -> Problem:
    names = sorted(known)
    shown = name[:64]
    return Problem(
        "unknown_parameter",
        Detail(
            f"{shown!r} is not a parameter here{hint(name[:64], names)};"
            f" known: {', '.join(names) or 'none'}",
            f"此处没有参数 {shown!r}；可用：{'、'.join(names) or '无'}",
            pointer=shown,
        ),
    )


def write_cursor(*place: str | int) -> str:
    """Return a place in a list as an opaque text."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: type[str] | type[int]) -> tuple[Any, ...] | None:
    """Return the place that a cursor stands for, one value of each kind.

    Raises
    ------
    Problem
        If it was not written here.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    fits = isinstance(place, list) and len(place) == len(kinds)
    if not fits or any(type(v) is not k for v, k in zip(place, kinds, strict=True)):
        raise _cursor_invalid()
    if any((isinstance(v, int) and abs(v) >= 2**62) or "\0" in str(v) for v in place):
        raise _cursor_invalid()
    return tuple(place)


def after_instant(cursor: str | None) -> datetime | None:
    """Return the instant that a cursor of one number stands for."""
    place = read_cursor(cursor, int)
    return None if place is None else instant_of(place[0])


def next_cursor(request: Request, response: Response, after: datetime | None) -> str | None:
    """Return the cursor of the page after an instant, and link to it; None on the last page."""
    if after is None:
        return None
    cursor = write_cursor(to_us(after))
    response.headers["Link"] = next_link(request, cursor)
    return cursor


def instant_of(place_us: int) -> datetime:
    """Return the instant of a number in a cursor; one that nobody wrote is as good as its end."""
    return from_us(min(max(place_us, 0), to_us(_LATEST)))


def _cursor_invalid() -> Problem:
    return Problem(
        "cursor_invalid",
        Detail(
            "the cursor is not one of this list: begin without it",
            "游标不属于此列表：请去掉后重新查询",
            pointer="cursor",
        ),
    )


def next_link(request: Request, cursor: str) -> str:
    """Return the Link header of the next page."""
    url = request.url.include_query_params(cursor=cursor)
    return f'<{url.path}?{url.query}>; rel="next"'
