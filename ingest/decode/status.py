"""What a device says of its own value: words for the flags of HJ 212, and what each comes to.

A value that its device does not stand by is kept and not used (`SOURCE_BAD`); one that it doubts
is used and marked. The letters of HJ 212-2017 (flag of a factor): N normal, F stopped,
M maintenance, S set, D fault, C calibration, T over_range, B communication.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from compute.quality import Quality
from ingest.decode.codes import Code
from ingest.decode.strict_json import Fault, kind_of, show

STATUS: Mapping[str, Quality] = {
    "normal": Quality.GOOD,
    "maintenance": Quality.SOURCE_BAD | Quality.MAINTENANCE,
    "calibration": Quality.SOURCE_BAD | Quality.CALIBRATION,
    "drift": Quality.SOURCE_BAD | Quality.DRIFT,
    "fault": Quality.SOURCE_BAD,
    "stopped": Quality.SOURCE_BAD,
    "communication": Quality.SOURCE_BAD,
    "set": Quality.SOURCE_UNCERTAIN,
    "over_range": Quality.SOURCE_UNCERTAIN | Quality.RANGE,
    "below_detection": Quality.BELOW_DETECTION,
}


def status_quality(status: object) -> Quality | Fault:
    """Return the quality that a status comes to, or why it is none."""
    if not isinstance(status, str):
        return Fault(Code.TYPE, f"the status is {kind_of(status)}; send text")
    if status not in STATUS:
        near = get_close_matches(status, STATUS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"send one of {', '.join(STATUS)}"
        return Fault(Code.STATUS, f"the status {show(status)} is not known; {hint}")
    return STATUS[status]
