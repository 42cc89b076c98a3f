"""A block of deliveries read at once; what is not certain in it goes to the decoder of its form."""

from collections.abc import Sequence

import numpy as np

from compute.message_parts import Found
from compute.messages import FORM_NENGTAN, FORM_NEURON, FORM_OTHER, scan_block
from ingest.decode.fields import READING_COUNT_MAX
from ingest.decode.strict_json import PAYLOAD_BYTES_MAX
from ingest.reading import Delivery
from ingest.registry import Gateway, Registry

_FORMS = {"nengtan": FORM_NENGTAN, "neuron": FORM_NEURON}


def scan(
    deliveries: Sequence[Delivery],
    gateways: Sequence[Gateway | None],
    registry: Registry,
    flags: Sequence[int],
) -> tuple[bytes, Found]:
    """Return the payloads in one piece and the readings of those that hold no doubt.

    Parameters
    ----------
    deliveries : sequence of Delivery
    gateways : sequence of Gateway or None
        Who sent each.
    registry : Registry
    flags : sequence of int
        Quality bits of every reading of each.
    """
    payloads = [delivery.payload for delivery in deliveries]
    sizes = np.fromiter(map(len, payloads), dtype=np.int64, count=len(payloads))
    offset = np.zeros(len(payloads) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offset[1:])
    form = np.array(
        [
            # What is signed is proven one by one.
            FORM_OTHER if one is None or one.signed else _FORMS.get(one.form, FORM_OTHER)
            for one in gateways
        ],
        dtype=np.int32,
    )
    form[sizes > PAYLOAD_BYTES_MAX] = FORM_OTHER
    text = b"".join(payloads)
    found = scan_block(
        text,
        offset,
        form=form,
        gateway=np.array([0 if one is None else one.index for one in gateways], dtype=np.int32),
        flags=np.array(flags, dtype=np.int32),
        names=registry.names,
        row_count=len(registry.point_id),
        reading_count_max=READING_COUNT_MAX,
    )
    return text, found
