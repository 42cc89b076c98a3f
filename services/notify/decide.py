"""What becomes of a message that is due: sent, held by a silence, or given up. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from services.notify.matching import LabelMatcher, matches
from services.store.alert_policy import SilenceRow
from services.store.notices import DueRow

# A silence may end early: what it holds is looked at again so often.
_LOOK_AGAIN = timedelta(seconds=60)
SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message.

    Attributes
    ----------
    action : "send", "hold" or "drop"
    reason : str
        Of what is not sent, in both languages.
    until : datetime or None
        Of what is held: when it is looked at again.
    silence : SilenceRow or None
        That holds it.
    """

    action: Literal["send", "hold", "drop"]
    reason: str = ""
    until: datetime | None = None
    silence: SilenceRow | None = None


_SEND = Decision("send")


def decide(row: DueRow, silences: Iterable[SilenceRow], *, at: datetime) -> Decision:
    """Return what becomes of a message that is due.

    What was tried once is told to the end: the receiver may have it already. A resolution is told
    to those who were told that the alert fires, silenced or not.
    """
    reason = _reason_to_drop(row)
    if reason is not None:
        return Decision("drop", reason)
    if row.kind in ("firing", "escalation", "broken") and not row.attempt_count:
        silence = silence_of(row.labels or {}, silences, tenant_id=row.tenant_id, at=at)
        if silence is not None:
            return Decision("hold", SILENCED, min(silence.end_at, at + _LOOK_AGAIN), silence)
    return _SEND


def _reason_to_drop(row: DueRow) -> str | None:
    if row.kind == "resolved" and not row.was_told:
        return "此通道未收到过告警 / this channel was never told that it fires"
    if row.attempt_count or row.kind not in ("firing", "escalation", "broken"):
        return None
    # Due after the end: it waited for a step, for quiet hours, or for the end of a silence.
    if row.resolved_at is not None and row.resolved_at < row.due_at:
        return "到时已恢复 / over before it was due"
    if row.kind == "escalation" and row.acknowledged_at is not None:
        return "已确认 / acknowledged"
    return None


def silence_of(
    labels: dict[str, str], silences: Iterable[SilenceRow], *, tenant_id: int, at: datetime
) -> SilenceRow | None:
    """Return the silence of a tenant that holds for an alert, None if there is none."""
    found = (
        silence
        for silence in silences
        if silence.tenant_id == tenant_id
        and holds(silence, at)
        and matches(matchers_of(silence), labels)
    )
    return next(found, None)


def holds(silence: SilenceRow, at: datetime) -> bool:
    """Return whether a silence holds at an instant."""
    end = silence.end_at if silence.expired_at is None else min(silence.expired_at, silence.end_at)
    return silence.start_at <= at < end


def matchers_of(silence: SilenceRow) -> tuple[LabelMatcher, ...]:
    """Return the matchers of a silence."""
    return _matchers(msgspec.json.encode(silence.matchers))


@lru_cache(maxsize=1024)
def _matchers(document: bytes) -> tuple[LabelMatcher, ...]:
    return tuple(LabelMatcher.model_validate(one) for one in msgspec.json.decode(document))
