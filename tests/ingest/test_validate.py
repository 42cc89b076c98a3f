"""What a batch takes and what it refuses, reading by reading."""

import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from compute.quality import Quality
from ingest.reading import WHOLE, Delivery
from ingest.registry import Registry, build_registry
from ingest.validate import Batch, assemble, set_aside
from tests.migrated import START, SmallPlant, us

PLANT = SmallPlant()
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
NOW = START + timedelta(hours=12)
END = START + timedelta(hours=20)


@pytest.fixture
def registry() -> Registry:
    gateway = {"id": 5, "tenant_id": 1, "site_id": 3, "form": "nengtan", "topic": PLANT.topic}
    gateway |= {"username": "acme.main.gw", "signed": False}
    unlimited = {"site_id": 3, "value_min": None, "value_max": None, "valid_from": START}
    points: list[dict[str, Any]] = [
        {**unlimited, "gateway_id": 5, "id": 11, "address": "P1", "valid_to": END},
        {**unlimited, "gateway_id": 5, "id": 12, "address": "P2", "valid_to": None},
        {**unlimited, "gateway_id": 6, "id": 13, "address": "n/g/t", "valid_to": None},
    ]
    points[1] |= {"value_min": -5.0, "value_max": 5.0}
    plc = {**gateway, "id": 6, "form": "neuron", "topic": "plc/1"}
    return build_registry([gateway, plc], points)


def batch_of(registry: Registry, *readings: tuple[str, datetime, object]) -> Batch:
    return assemble([PLANT.delivery(readings)], registry, now_us=us(NOW))


def rejected(batch: Batch) -> list[tuple[int, str]]:
    [message] = batch.messages
    return [(fault.item, fault.code) for fault in message.rejected]


class TestAssemble:
    def test_gives_columns_in_the_order_of_the_messages(self, registry: Registry) -> None:
        deliveries = [
            PLANT.delivery([("P2", START, 1.0), ("P1", START, 2.0)], seq=1),
            PLANT.delivery([("P1", START + MINUTE, 3.0)], seq=2),
        ]
        batch = assemble(deliveries, registry, now_us=us(NOW))
        assert registry.point_id[batch.row].tolist() == [12, 11, 11]
        assert batch.value.tolist() == [1.0, 2.0, 3.0]
        assert batch.message_index.tolist() == [0, 0, 1]
        assert batch.item.tolist() == [0, 1, 0]
        assert batch.ts_us.tolist() == [us(START), us(START), us(START + MINUTE)]
        assert batch.quality.tolist() == [0, 0, 0]

    def test_stores_499_of_500_where_one_is_bad(self, registry: Registry) -> None:
        rows: list[tuple[str, datetime, object]] = [
            ("P2", START + MINUTE * n, 1.0) for n in range(500)
        ]
        rows[123] = ("P2", START + MINUTE * 123, 6.0)
        batch = batch_of(registry, *rows)
        assert len(batch) == 499
        assert rejected(batch) == [(123, "physics")]

    @pytest.mark.parametrize("place", [0, 3, 7])
    def test_keeps_the_columns_aligned_around_an_unknown_name(
        self, registry: Registry, place: int
    ) -> None:
        rows: list[tuple[str, datetime, object]] = [
            ("P1", START + MINUTE * n, float(n)) for n in range(8)
        ]
        rows[place] = ("P9", START, 1.0)
        batch = batch_of(registry, *rows)
        assert batch.item.tolist() == [n for n in range(8) if n != place]
        assert batch.value.tolist() == [float(n) for n in range(8) if n != place]
        [fault] = batch.messages[0].rejected
        assert (fault.item, fault.code) == (place, "unknown_point")
        assert "'P9'" in fault.detail

    def test_quarantines_a_message_of_a_topic_that_is_nobodys(self, registry: Registry) -> None:
        delivery = Delivery("nengtan/v1/x/y/z/telemetry", b"{}", 1, 1, retained=False)
        batch = assemble([delivery], registry, now_us=us(NOW))
        assert len(batch) == 0
        assert rejected(batch) == [(WHOLE, "unknown_gateway")]

    def test_does_not_let_a_gateway_write_the_point_of_another(self, registry: Registry) -> None:
        assert rejected(batch_of(registry, ("n/g/t", START, 1.0))) == [(0, "unknown_point")]

    def test_takes_the_rest_of_a_message_that_cannot_be_read(self, registry: Registry) -> None:
        broken = Delivery(PLANT.topic, b'{"epoch": "e", "seq": 1', 1, 1, retained=False)
        batch = assemble([broken, PLANT.delivery([("P1", START, 1.0)])], registry, now_us=us(NOW))
        assert batch.value.tolist() == [1.0]
        assert batch.message_index.tolist() == [1]
        assert [len(message.rejected) for message in batch.messages] == [1, 0]

    @pytest.mark.parametrize(
        ("qos", "retained", "flags"),
        [
            (1, False, Quality.GOOD),
            (0, False, Quality.QOS0),
            (1, True, Quality.RETAINED),
            (0, True, Quality.QOS0 | Quality.RETAINED),
        ],
    )
    @pytest.mark.parametrize("names", [["P1", "P2"], ["P1", "P9", "P2"]])
    def test_flags_how_a_message_came(
        self, registry: Registry, qos: int, *, retained: bool, flags: Quality, names: list[str]
    ) -> None:
        delivery = PLANT.delivery([(n, START, 1.0) for n in names], qos=qos, retained=retained)
        batch = assemble([delivery], registry, now_us=us(NOW))
        assert batch.quality.tolist() == [int(flags)] * 2

    def test_keeps_the_error_of_a_source_and_lets_it_pass_the_limits(
        self, registry: Registry
    ) -> None:
        body = json.dumps(
            {
                "timestamp": us(START) // 1000,
                "node": "n",
                "group": "g",
                "values": {},
                "errors": {"t": 2014},
                "metas": {},
            }
        ).encode()
        delivery = Delivery("plc/1", body, 1, 0, retained=False)
        batch = assemble([delivery], registry, now_us=us(NOW))
        assert [math.isnan(value) for value in batch.value] == [True]
        assert batch.quality.tolist() == [int(Quality.SOURCE_BAD | Quality.QOS0)]

    def test_of_nothing_is_empty(self, registry: Registry) -> None:
        batch = assemble([], registry, now_us=us(NOW))
        assert len(batch) == 0
        assert batch.messages == []


class TestTime:
    @pytest.mark.parametrize(
        ("at", "codes"),
        [
            (START - MICROSECOND, ["before_validity"]),
            (START, []),
            (END - MICROSECOND, []),
            (END, ["after_validity"]),
        ],
    )
    def test_is_within_the_validity_of_the_point_half_open(
        self, registry: Registry, at: datetime, codes: list[str]
    ) -> None:
        batch = assemble([PLANT.delivery([("P1", at, 1.0)])], registry, now_us=us(END))
        assert [code for _, code in rejected(batch)] == codes
        assert len(batch) == 1 - len(codes)

    @pytest.mark.parametrize(
        ("ahead", "is_taken", "is_due"),
        [
            (2 * MINUTE, True, False),
            (2 * MINUTE + MICROSECOND, False, True),
            (timedelta(days=1), False, True),
            (timedelta(days=1) + MICROSECOND, False, False),
        ],
    )
    def test_in_the_future_waits_until_it_is_due_or_for_a_person(
        self, registry: Registry, ahead: timedelta, *, is_taken: bool, is_due: bool
    ) -> None:
        # The decoder has its own opinion on times far ahead of the true clock; this is long ago.
        batch = batch_of(registry, ("P2", NOW, 1.0), ("P2", NOW + ahead, 1.0))
        [message] = batch.messages
        assert rejected(batch) == ([] if is_taken else [(1, "future")])
        assert message.due_at == ({1: NOW + ahead} if is_due else {})

    def test_of_a_year_ago_is_welcome(self, registry: Registry) -> None:
        late = us(START + timedelta(days=400))
        batch = assemble([PLANT.delivery([("P1", START, 1.0)])], registry, now_us=late)
        assert len(batch) == 1


class TestPhysics:
    @pytest.mark.parametrize(
        ("value", "codes"),
        [(-5.0, []), (5, []), (-5.000001, ["physics"]), (5.000001, ["physics"]), (0.0, [])],
    )
    def test_includes_its_limits(
        self, registry: Registry, value: float, codes: Sequence[str]
    ) -> None:
        batch = batch_of(registry, ("P2", START, value))
        assert [code for _, code in rejected(batch)] == list(codes)

    def test_gives_one_reason_per_reading_with_place_and_value(self, registry: Registry) -> None:
        batch = batch_of(registry, ("P2", START - MINUTE, 99.0), ("P2", START, 99.0))
        assert rejected(batch) == [(0, "before_validity"), (1, "physics")]
        detail = batch.messages[0].rejected[1].detail
        assert START.isoformat() in detail
        assert "99.0" in detail
        assert "-5.0 … 5.0" in detail


class TestSetAside:
    def test_stores_nothing_and_quarantines_whole_messages(self, registry: Registry) -> None:
        batch = batch_of(registry, ("P1", START, 1.0), ("P9", START, 1.0))
        aside = set_aside(batch, code="not_storable", detail="why")
        assert len(aside) == 0
        assert rejected(aside) == [(WHOLE, "not_storable")]
        assert np.issubdtype(aside.row.dtype, np.int32)
