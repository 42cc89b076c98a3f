"""First readings, ranges of numbers and receipts: pure functions of a batch."""

import itertools
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.ledger import first_readings, ranges_of, receipts
from ingest.reading import Decoded, Delivery, Rejection
from ingest.registry import Gateway, Registry, build_registry
from ingest.validate import Batch, Message, assemble
from tests.migrated import START, SmallPlant, us

PLANT = SmallPlant()
# What the shipped broker takes; a receipt stays well below it.
PACKET_BYTES_MAX = 1_052_672


def registry() -> Registry:
    gateway = {"id": 5, "tenant_id": 1, "site_id": 3, "form": "nengtan", "topic": PLANT.topic}
    gateway |= {"username": "acme.main.gw", "signed": False}
    base = {"gateway_id": 5, "site_id": 3, "value_min": None, "value_max": None}
    valid = {"valid_from": START, "valid_to": None}
    # Numbers of points descend, so that order of rows and order of numbers differ.
    return build_registry(
        [gateway],
        [{**base, **valid, "id": 20 - n, "address": f"P{n}"} for n in range(1, 4)],
    )


def batch_of(rows: Sequence[tuple[int, int, float]]) -> tuple[Batch, Registry]:
    """Return a batch of (minute, point, value), in this order."""
    known = registry()
    readings = [(f"P{point}", START + timedelta(minutes=m), value) for m, point, value in rows]
    deliveries = [PLANT.delivery([reading], seq=n + 1) for n, reading in enumerate(readings)]
    return assemble(deliveries, known, now_us=us(START + timedelta(days=1))), known


class TestFirstReadings:
    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 9).map(float)),
            max_size=20,
        )
    )
    def test_are_the_first_to_arrive_sorted_and_each_once(
        self, rows: list[tuple[int, int, float]]
    ) -> None:
        batch, known = batch_of(rows)
        firsts = first_readings(batch, known)
        expected: dict[tuple[int, int], tuple[int, float]] = {}
        for place, (minute, point, value) in enumerate(rows):
            key = (us(START + timedelta(minutes=minute)), 20 - point)
            expected.setdefault(key, (place, value))
        keys = list(
            zip(firsts.columns.ts_us.tolist(), firsts.columns.point_id.tolist(), strict=True)
        )
        assert keys == sorted(expected)
        assert firsts.origin.tolist() == [expected[key][0] for key in keys]
        assert firsts.columns.value.tolist() == [expected[key][1] for key in keys]
        # Every reading is a first or a repetition of the first of its own key.
        assert sorted([*firsts.origin.tolist(), *firsts.repeat.tolist()]) == [*range(len(rows))]
        for place, row in zip(firsts.repeat.tolist(), firsts.repeat_of.tolist(), strict=True):
            minute, point, _ = rows[place]
            assert keys[row] == (us(START + timedelta(minutes=minute)), 20 - point)


class TestRangesOf:
    @given(st.lists(st.integers(1, 40)))
    def test_hold_the_numbers_and_no_others_in_the_fewest_ranges(self, numbers: list[int]) -> None:
        ranges = ranges_of(numbers)
        held = [n for first, last in ranges for n in range(first, last + 1)]
        assert held == sorted(set(numbers))
        for (_, last), (first, _) in itertools.pairwise(ranges):
            assert first > last + 1


def message(
    seq: int | None, *, rejected: int = 0, epoch: str | None = "e", gateway: Gateway | None = None
) -> Message:
    faults = [Rejection(item, "before_validity", "x") for item in range(rejected)]
    delivery = Delivery(PLANT.topic, b"", 1, 1, retained=False)
    own = registry().by_topic[PLANT.topic]
    return Message(delivery, gateway or own, Decoded(epoch=epoch, seq=seq), faults)


class TestReceipts:
    def test_name_numbers_and_what_was_rejected(self) -> None:
        [receipt] = receipts([message(3), message(1, rejected=2), message(2)])
        assert receipt.topic == "nengtan/v1/acme/main/gw/receipt"
        assert receipt.ranges == [(1, 3)]
        assert msgspec.json.decode(receipt.payload) == {
            "epoch": "e",
            "seq": [[1, 3]],
            "rejected": [
                {"seq": 1, "item": 0, "code": "before_validity"},
                {"seq": 1, "item": 1, "code": "before_validity"},
            ],
        }

    def test_are_one_per_outbox(self) -> None:
        found = receipts([message(1), message(5, epoch="f"), message(2)])
        assert [(r.epoch, r.ranges) for r in found] == [("e", [(1, 2)]), ("f", [(5, 5)])]

    def test_are_not_given_for_what_has_no_number_or_no_place_for_them(self) -> None:
        foreign = Gateway(6, 0, 1, 3, "neuron", None, {})
        nobody = Message(message(1).delivery, None, Decoded(epoch="e", seq=1), [])
        without = [message(None), message(1, epoch=None), message(1, gateway=foreign), nobody]
        assert receipts(without) == []

    def test_stay_below_what_a_broker_takes_however_much_is_rejected(self) -> None:
        last = (1 << 53) - 3
        long = "e" * 64
        messages = [message(last - 2 * n, rejected=5000, epoch=long) for n in range(5)]
        messages += [message(n, rejected=900, epoch=long) for n in range(1, 41, 2)]
        found = receipts(messages)
        assert max(len(r.payload) for r in found) < PACKET_BYTES_MAX / 2
        named = [n for r in found for first, end in r.ranges for n in range(first, end + 1)]
        assert sorted(named) == sorted(m.decoded.seq for m in messages if m.decoded.seq)
        for receipt in found:
            # What it says of a message it says whole: the message leaves the outbox with it.
            body = msgspec.json.decode(receipt.payload)
            by_seq: dict[int, int] = {}
            for item in body["rejected"]:
                by_seq[item["seq"]] = by_seq.get(item["seq"], 0) + 1
            for first, end in receipt.ranges:
                for seq in range(first, end + 1):
                    assert by_seq[seq] == (5000 if seq > 100 else 900)

    def test_stay_below_what_a_broker_takes_however_many_messages(self) -> None:
        last = (1 << 53) - 1
        found = receipts([message(last - 2 * n, epoch="e" * 64) for n in range(20_000)])
        assert max(len(r.payload) for r in found) < PACKET_BYTES_MAX / 2
        assert sum(len(r.ranges) for r in found) == 20_000
        assert np.all([r.topic == found[0].topic for r in found])
