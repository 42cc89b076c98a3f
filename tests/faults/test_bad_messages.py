"""Bad inputs B14 to B45: what a gateway sends, and what becomes of it, byte for byte.

Every case is one message, or several, through decoder, checks and database; a good message comes
behind it and is always stored. What is refused lies in quarantine with its bytes and a reason.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from compute.quality import Quality
from compute.units import UnitMismatch, conversion, unit
from ingest.commit import Outcome
from ingest.reading import Delivery
from ingest.registry import load_registry
from ingest.signature import sign
from services.plant.findings import PlantInvalid
from services.store.pool import Database
from tests.migrated import (
    START,
    Migrated,
    SmallPlant,
    counts,
    migrated_database,
    stamp,
    take_in,
    us,
)
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.database]

MINUTE = timedelta(minutes=1)
NOW = START + timedelta(days=2)
TS_MS = us(START) // 1000
GOOD_AT = START + timedelta(days=1)
WHOLE = -1
# What ingest writes.
WRITTEN = ("reading", "dirty", "conflict", "quarantine", "ingest_hour", "gateway_sequence")
POINTS: list[dict[str, Any]] = [
    {"code": "P1", "kind": "register", "unit": "kWh"},
    {"code": "P2", "kind": "gauge", "unit": "kW", "value_min": 0, "value_max": 1000},
    {"code": "P3", "kind": "register", "unit": "kWh", "valid_to": stamp(START + 5 * MINUTE)},
]


def points(text: str, *, seq: int = 1) -> bytes:
    """Return a message of our form with this between the braces of `points`."""
    return b'{"epoch":"e","seq":%d,"ts":%d,"points":{%b}}' % (seq, TS_MS, text.encode())


def value(text: str) -> bytes:
    """Return a message in which P1 has a bad value and P2 a good one."""
    return points(f'"P1":{text},"P2":2')


def name(text: str) -> bytes:
    """Return a message with a point of that name, and P2."""
    return points(f'"{text}":1,"P2":2')


def at(text: str) -> bytes:
    """Return a message whose first reading has this time, and whose second is good."""
    return b'{"epoch":"e","seq":1,"readings":[["P1",%b,1],["P2",%d,2]]}' % (text.encode(), TS_MS)


def without(key: str) -> bytes:
    """Return a message that lacks a field."""
    whole: dict[str, object] = json.loads(points('"P1":1'))
    del whole[key]
    return json.dumps(whole).encode()


@dataclass(frozen=True)
class Case:
    """A bad message: which of its items are refused and why, and what of it is stored."""

    what: str
    payload: bytes
    refused: Mapping[int, str]
    stored: Mapping[str, Sequence[float]] = field(default_factory=dict)


def refused_whole(what: str, payload: bytes, code: str) -> Case:
    return Case(what, payload, {WHOLE: code})


P2_KEPT: Mapping[str, Sequence[float]] = {"P2": [2.0]}
refused_value = partial(Case, refused={0: "type"}, stored=P2_KEPT)

CASES: Mapping[str, Sequence[Case]] = {
    "B14": [
        refused_whole("nothing", b"", "empty"),
        refused_whole("spaces", b"  \r\n", "empty"),
        refused_whole("null", b"null", "empty"),
        refused_whole("an empty list", b"[]", "empty"),
        refused_whole("an empty object", b"{}", "empty"),
    ],
    "B15": [
        refused_whole("cut short", points('"P1":1')[:-1], "json"),
        refused_whole("a comma too many", points('"P1":1,'), "json"),
        refused_whole("two documents", points('"P1":1') * 2, "json"),
        Case("a byte order mark", b"\xef\xbb\xbf" + points('"P1":1'), {}, {"P1": [1.0]}),
    ],
    "B16": [
        refused_whole("GBK", points('"P1":1').replace(b"P1", "电表".encode("gbk")), "encoding"),
        refused_whole("UTF-16", points('"P1":1').decode().encode("utf-16"), "encoding"),
        refused_whole("no UTF-8", points('"P1":1').replace(b"P1", b"\xff\xfe"), "encoding"),
        Case("half a pair", name("\\ud800"), {0: "encoding"}, P2_KEPT),
    ],
    "B17": [Case("U+0000 in a name", name("a\\u0000"), {0: "nul"}, P2_KEPT)],
    "B18": [refused_whole("100,000 brackets", b"[" * 100_000, "depth")],
    "B19": [
        Case(
            "a point twice",
            points('"P1":1,"P2":2,"P1":3'),
            {0: "duplicate_key", 2: "duplicate_key"},
            P2_KEPT,
        ),
        refused_whole(
            "seq twice", points('"P1":1').replace(b'"seq":1', b'"seq":1,"seq":2'), "duplicate_key"
        ),
    ],
    "B20": [
        *(
            Case(f"the token {text}", value(text), {0: "nonfinite"}, P2_KEPT)
            for text in ("NaN", "Infinity", "-Infinity")
        ),
        # As text it is no number whatever it says.
        *(
            refused_value(f"the text {text}", value(f'"{text}"'))
            for text in ("NaN", "Infinity", "-Infinity")
        ),
    ],
    "B21": [
        Case(text[:8], value(text), {0: "range"}, P2_KEPT)
        for text in ("1e400", "-1e308", "1e-400", "9" * 5000)
    ],
    "B22": [
        Case(f"{len(text)} digits", value(text), {0: "precision"}, P2_KEPT)
        for text in ("123456789012345678901234567890", "0.300000000000000044408920985006")
    ],
    "B23": [
        refused_value(text, value(f'"{text}"'))
        for text in ("12.5", "1,234.5", "1.234,5", "１２", "12 kWh")
    ],
    "B24": [refused_value(text, value(text)) for text in ("true", "[1]", '{"v":1}')],
    "B25": [Case(text, value(text), {}, {"P1": [0.0], "P2": [2.0]}) for text in ("-0.0", "-0")],
    "B26": [Case("an unknown point", name("P9"), {0: "unknown_point"}, P2_KEPT)],
    "B28": [
        Case(
            "an unknown field",
            points('"P1":1').replace(b'"seq"', b'"vendor":{"x":[1]},"seq"'),
            {},
            {"P1": [1.0]},
        )
    ],
    "B29": [
        refused_whole(
            f"no {key}",
            without(key),
            "missing_field",
        )
        for key in ("epoch", "seq", "ts", "points")
    ],
    "B32": [
        refused_whole(
            "10,000 readings",
            json.dumps(
                {"epoch": "e", "seq": 1, "readings": [["P1", TS_MS + n, n] for n in range(10_000)]}
            ).encode(),
            "too_many",
        )
    ],
    "B38": [
        refused_whole("gzip", gzip.compress(points('"P1":1')), "format"),
        refused_whole("a bomb of gzip", gzip.compress(bytes(4_000_000)), "format"),
        refused_whole("CBOR", bytes.fromhex("a1627031fb3ff8000000000000"), "format"),
        refused_whole("protobuf", bytes.fromhex("0a0250311000"), "format"),
    ],
    "B39": [
        Case(text, name(text), {0: "unknown_point"}, P2_KEPT)
        for text in ("__proto__", "${jndi:ldap://x}", "{{7*7}}", "'; DROP TABLE t", "<script>")
    ],
    "B40": [
        Case("right to left", name("P\u202e1"), {0: "text"}, P2_KEPT),
        Case("no width", name("P\u200b1"), {0: "text"}, P2_KEPT),
        Case("10,000 characters", name("x" * 10_000), {0: "text"}, P2_KEPT),
    ],
    "B41": [
        Case(text, at(f'"{text}"'), {0: "time"}, P2_KEPT)
        for text in (
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2025-03-10T24:00:00Z",
            "2025-03-10T23:58:60Z",
        )
    ],
    "B42": [
        Case(text, at(text), {0: "time"}, P2_KEPT)
        for text in ("0", "-1", str(TS_MS // 1000), str(TS_MS * 1000), "1.5")
    ],
    # Our own form must say the zone: nobody knows better than who sends. Files have a zone each.
    "B43": [Case("no zone", at('"2025-03-10T08:00:00"'), {0: "time"}, P2_KEPT)],
    "B44": [
        Case(text, at(f'"{stamp(NOW + ahead)}"'), {0: "future"}, P2_KEPT)
        for text, ahead in {
            "5 min ahead": 5 * MINUTE,
            "1 h ahead": timedelta(hours=1),
            "10 years ahead": timedelta(days=3650),
        }.items()
    ],
    "B45": [
        Case("before validity", at(f'"{stamp(START - MINUTE)}"'), {0: "before_validity"}, P2_KEPT),
        Case("of 1970", at('"1970-01-01T00:00:00Z"'), {0: "time"}, P2_KEPT),
    ],
}
ROWS = [
    pytest.param(case, id=f"{number} {case.what}"[:60])
    for number, cases in CASES.items()
    for case in cases
]


class Centre:
    """A centre with one plant, in which nothing has arrived yet."""

    def __init__(self, migrated: Migrated) -> None:
        self.migrated = migrated
        self.plant = SmallPlant(tenant="bad", points=POINTS)
        if not migrated.rows("select 1 from tenant where code = %s", self.plant.tenant):
            migrated.install(self.plant.plant())
        migrated.execute(f"truncate {', '.join(WRITTEN)} cascade")

    def send(self, *payloads: bytes) -> bytes:
        """Take messages in one after the other, a good one behind; return the receipts."""
        good = self.plant.delivery([("P2", GOOD_AT, 7)], seq=1_000_000)
        messages = [
            *(
                Delivery(self.plant.topic, body, token=1, qos=1, retained=False)
                for body in payloads
            ),
            good,
        ]

        async def work(database: Database) -> list[Outcome]:
            registry = await load_registry(database)
            return [await take_in(database, registry, [each], at=NOW) for each in messages]

        *bad, _ = self.migrated.run("nengtan_ingest", work)
        assert self.readings()["P2", GOOD_AT] == (7.0, 0)
        return b"".join(receipt.payload for outcome in bad for receipt in outcome.receipts)

    def readings(self) -> dict[tuple[str, datetime], tuple[float | None, int]]:
        rows = self.migrated.rows(
            "select p.code, r.ts, r.value, r.quality from reading r join point p"
            " on p.id = r.point_id join tenant t on t.id = p.tenant_id where t.code = %s",
            self.plant.tenant,
        )
        return {(code, at.astimezone(UTC)): (value, quality) for code, at, value, quality in rows}

    def quarantine(self) -> list[tuple[bytes, int, str, str]]:
        return [
            (payload, item, code, detail)
            for payload, item, code, detail in self.migrated.rows(
                "select q.payload, i.item, i.code, i.detail from quarantine q"
                " join quarantine_item i on i.quarantine_id = q.id"
                " join tenant t on t.id = q.tenant_id where t.code = %s order by q.id, i.item",
                self.plant.tenant,
            )
        ]

    def counts(self) -> Mapping[str, int]:
        return counts(self.migrated, tenant=self.plant.tenant)


@pytest.fixture(scope="module")
def shared_migrated(plain_server: DatabaseServer) -> Iterator[Migrated]:
    """Give the database of all cases; what is asked here is no question of the tier."""
    with migrated_database(plain_server) as migrated:
        yield migrated


@pytest.fixture
def centre(shared_migrated: Migrated) -> Centre:
    """Give a centre in which nothing has arrived yet."""
    return Centre(shared_migrated)


class TestAMessage:
    @pytest.mark.parametrize("case", ROWS)
    def test_that_is_bad_is_kept_with_a_reason_and_stops_nothing(
        self, centre: Centre, case: Case
    ) -> None:
        centre.send(case.payload)
        kept = centre.quarantine()
        assert {item: code for _, item, code, _ in kept} == case.refused
        assert all(payload == case.payload for payload, _, _, _ in kept)
        assert all(detail.isprintable() and len(detail) < 500 for _, _, _, detail in kept)
        stored: dict[str, list[float | None]] = {}
        for (code, at), (number, _) in sorted(centre.readings().items()):
            if at != GOOD_AT:
                stored.setdefault(code, []).append(number)
        assert stored == {code: list(values) for code, values in case.stored.items()}
        found = centre.counts()
        parts = ("stored", "duplicate", "conflict", "quarantined")
        assert found["received"] == sum(found[part] for part in parts)


class TestOneReadingOrAnother:
    def test_b27_of_a_retired_point_is_kept_for_review(self, centre: Centre) -> None:
        late = at(f'"{stamp(START + 5 * MINUTE)}"').replace(b'"P1"', b'"P3"')
        in_time = at(f'"{stamp(START + 4 * MINUTE)}"').replace(b'"P1"', b'"P3"')
        centre.send(in_time, late.replace(b'"seq":1', b'"seq":2'))
        assert [(item, code) for _, item, code, _ in centre.quarantine()] == [(0, "after_validity")]
        assert ("P3", START + 4 * MINUTE) in centre.readings()

    def test_b33_is_one_bad_among_five_hundred_good(self, centre: Centre) -> None:
        readings: list[list[object]] = [["P1", TS_MS + 1000 * n, n] for n in range(500)]
        readings[250][2] = "250"
        body = {"epoch": "e", "seq": 1, "readings": readings}
        receipt = centre.send(json.dumps(body).encode())
        assert len(centre.readings()) == 499 + 1
        assert [(item, code) for _, item, code, _ in centre.quarantine()] == [(250, "type")]
        assert b'"item":250' in receipt

    def test_b34_a_thousand_times_is_stored_once(self, centre: Centre) -> None:
        body = {"epoch": "e", "seq": 1, "readings": [["P1", TS_MS, 5.0]] * 1000}
        centre.send(json.dumps(body).encode())
        found = centre.counts()
        assert (found["stored"], found["duplicate"]) == (1 + 1, 999)

    def test_b35_with_another_value_is_a_conflict_and_the_first_stands(
        self, centre: Centre
    ) -> None:
        centre.send(points('"P1":5'), points('"P1":6', seq=2))
        assert centre.readings()["P1", START][0] == 5.0
        conflicts = centre.migrated.rows(
            "select c.value, c.kept_value from conflict c join tenant t on t.id = c.tenant_id"
            " where t.code = %s",
            centre.plant.tenant,
        )
        assert conflicts == [(6.0, 5.0)]

    def test_b36_replayed_with_an_old_number_is_a_duplicate(self, centre: Centre) -> None:
        months = [at(f'"{stamp(START + n * MINUTE)}"') for n in range(3)]
        numbered = [
            body.replace(b'"seq":1', b'"seq":%d' % seq) for seq, body in enumerate(months, start=1)
        ]
        centre.send(*numbered, numbered[0], numbered[0])
        assert len(centre.readings()) == 3 + 1 + 1
        assert centre.quarantine() == []

    def test_b38_of_more_than_a_megabyte_is_refused_unread(self, centre: Centre) -> None:
        payload = points('"P1":1') + b" " * 1_048_576
        centre.send(payload)
        assert [(item, code) for _, item, code, _ in centre.quarantine()] == [(WHOLE, "too_large")]

    def test_b40_of_a_name_in_another_normal_form_is_of_the_same_point(
        self, shared_migrated: Migrated
    ) -> None:
        composed, decomposed = "Zähler", "Za\u0308hler"
        plant = SmallPlant(
            tenant="b40",
            points=[{"code": "P1", "kind": "gauge", "unit": "kW", "address": composed}],
        )
        shared_migrated.install(plant.plant())
        message = plant.delivery([(decomposed, START, 1.0)])
        assert shared_migrated.ingest([message], at=NOW).stored == 1

    def test_b41_of_a_leap_second_is_of_the_next_second(self, centre: Centre) -> None:
        centre.send(at('"2025-03-10T23:59:60Z"'))
        assert ("P1", START + timedelta(days=1)) in centre.readings()

    def test_b44_that_is_due_within_a_day_waits_and_comes_by_itself(self, centre: Centre) -> None:
        centre.send(at(f'"{stamp(NOW + timedelta(hours=1))}"'))
        [(due,)] = centre.migrated.rows(
            "select i.due_at from quarantine_item i join quarantine q on q.id = i.quarantine_id"
            " join tenant t on t.id = q.tenant_id where t.code = %s",
            centre.plant.tenant,
        )
        assert due == NOW + timedelta(hours=1)

    def test_b44_two_minutes_ahead_is_taken(self, centre: Centre) -> None:
        centre.send(at(f'"{stamp(NOW + 2 * MINUTE)}"'))
        assert ("P1", NOW + 2 * MINUTE) in centre.readings()

    def test_b45_of_long_ago_is_welcome_inside_validity(self, shared_migrated: Migrated) -> None:
        plant = SmallPlant(tenant="b45", valid_from=START - timedelta(days=5000))
        shared_migrated.install(plant.plant())
        message = plant.delivery([("P1", START - timedelta(days=4999), 1.0)])
        assert shared_migrated.ingest([message], at=NOW).stored == 1

    def test_b26_of_another_tenant_reads_as_unknown(self, shared_migrated: Migrated) -> None:
        """Who asks must not learn that somebody else has such a point."""
        own, other = SmallPlant(tenant="b26-own"), SmallPlant(tenant="b26-other")
        other.points = [{"code": "SECRET", "kind": "gauge", "unit": "kW"}]
        shared_migrated.install(own.plant(), other.plant())
        shared_migrated.ingest([own.delivery([("SECRET", START, 1.0)])], at=NOW)
        shared_migrated.ingest([own.delivery([("NOBODY", START, 1.0)], seq=2)], at=NOW)
        details = [
            detail.replace("SECRET", "…").replace("NOBODY", "…")
            for (detail,) in shared_migrated.rows(
                "select i.detail from quarantine_item i join quarantine q on q.id = i.quarantine_id"
                " join tenant t on t.id = q.tenant_id where t.code = 'b26-own'"
            )
        ]
        assert len(details) == 2
        assert len(set(details)) == 1
        codes = shared_migrated.rows(
            "select distinct i.code from quarantine_item i join quarantine q"
            " on q.id = i.quarantine_id join tenant t on t.id = q.tenant_id"
            " where t.code = 'b26-own'"
        )
        assert codes == [("unknown_point",)]


class TestASignedGateway:
    """B37: what a gateway that signs did not sign is quarantined, and people are told."""

    KEY = b"of the gateway, 32 bytes or more"

    def send(self, migrated: Migrated, *payloads: bytes, key: bytes | None = KEY) -> list[str]:
        """Take messages in; return the codes and details in quarantine, and empty it."""
        tenant = "b37"
        plant = SmallPlant(tenant=tenant, more={"gateways": [{"code": "gw", "signed": True}]})
        if not migrated.rows("select 1 from tenant where code = %s", tenant):
            migrated.install(plant.plant())
        keys = {} if key is None else {"b37.main.gw": key}
        batch = [Delivery(plant.topic, each, token=1, qos=1, retained=False) for each in payloads]

        async def work(database: Database) -> Outcome:
            registry = await load_registry(database, keys=keys)
            return await take_in(database, registry, batch, at=NOW)

        outcome = migrated.run("nengtan_ingest", work)
        found = [
            f"{item} {code}: {detail}"
            for item, code, detail in migrated.rows(
                "select i.item, i.code, i.detail from quarantine_item i join quarantine q"
                " on q.id = i.quarantine_id join tenant t on t.id = q.tenant_id"
                " where t.code = %s order by q.id, i.item",
                tenant,
            )
        ]
        migrated.execute("truncate quarantine cascade")
        # A message that nobody proved is no gateway's: it gets no receipt.
        assert len(outcome.receipts) == (1 if outcome.stored else 0)
        return [f"{outcome.stored} stored", *found]

    TOPIC = "nengtan/v1/b37/main/gw/telemetry"
    BODY = points('"P1":1')

    def test_b37_that_signs_is_taken(self, shared_migrated: Migrated) -> None:
        assert self.send(shared_migrated, sign(self.KEY, self.TOPIC, self.BODY)) == ["1 stored"]

    @pytest.mark.parametrize(
        "payload",
        [
            BODY,
            b"",
            sign(KEY[::-1], TOPIC, BODY),
            sign(KEY, TOPIC.replace("gw", "gw2"), BODY),
            sign(KEY, TOPIC, BODY).replace(b'"P1":1', b'"P1":2'),
        ],
        ids=["not at all", "nothing", "another key", "of another topic", "changed"],
    )
    def test_b37_a_bad_signature_is_quarantined_whole(
        self, shared_migrated: Migrated, payload: bytes
    ) -> None:
        stored, found = self.send(shared_migrated, payload)
        assert stored == "0 stored"
        assert found.startswith("-1 signature: not signed by the key of this gateway")

    def test_b37_without_a_key_nothing_is_taken_of_a_gateway_that_signs(
        self, shared_migrated: Migrated
    ) -> None:
        payload = sign(self.KEY, self.TOPIC, self.BODY)
        stored, found = self.send(shared_migrated, payload, key=None)
        assert stored == "0 stored"
        assert found.startswith("-1 signature: the centre has no key of this gateway")

    def test_b37_a_gateway_that_cannot_sign_is_refused_the_word(self) -> None:
        foreign = {"code": "gw", "form": "neuron", "class": "acknowledged", "topic": "plc/1"}
        with pytest.raises(PlantInvalid, match="cannot sign"):
            SmallPlant(more={"gateways": [{**foreign, "signed": True}]}).plant()


class TestUnits:
    """Units stand in the description of a point, where each of its messages would repeat them."""

    @pytest.mark.parametrize(
        ("name", "symbol"),
        [
            *(("kwh", "kWh"), ("KWH", "kWh"), ("度", "kWh"), ("千瓦时", "kWh")),
            *(("m³", "m3"), ("㎥", "m3"), ("吨", "t"), ("标方", "Nm3")),
        ],
    )
    def test_b30_under_another_name_are_the_same(self, name: str, symbol: str) -> None:
        assert unit(name) == unit(symbol)

    @pytest.mark.parametrize(("source", "target"), [("Nm3", "m3"), ("kW", "kWh"), ("t", "m3")])
    def test_b30_of_another_dimension_are_never_converted(self, source: str, target: str) -> None:
        with pytest.raises(UnitMismatch):
            conversion(source, target)

    @pytest.mark.parametrize("unit", ["kWhh", "", "quux"])
    def test_b30_that_nobody_knows_are_refused(self, unit: str) -> None:
        with pytest.raises(PlantInvalid, match="unit"):
            SmallPlant(points=[{"code": "P1", "kind": "register", "unit": unit}]).plant()


def test_every_message_of_the_catalogue_has_its_case() -> None:
    shown = {f"B{number}" for number in range(14, 46)}
    elsewhere = {
        "B27": TestOneReadingOrAnother,
        "B30": TestUnits,
        "B31": "tests/faults/test_bad_quantities.py",
        "B33": TestOneReadingOrAnother,
        "B34": TestOneReadingOrAnother,
        "B35": TestOneReadingOrAnother,
        "B36": TestOneReadingOrAnother,
        "B37": TestASignedGateway,
    }
    assert shown <= {*CASES, *elsewhere}


def test_a_quality_bit_says_what_was_taken_without_an_answer(shared_migrated: Migrated) -> None:
    plant = SmallPlant(tenant="qos0")
    shared_migrated.install(plant.plant())
    shared_migrated.ingest([plant.delivery([("P1", START, 1.0)], qos=0)], at=NOW)
    [(quality,)] = shared_migrated.rows(
        "select r.quality from reading r join point p on p.id = r.point_id"
        " join tenant t on t.id = p.tenant_id where t.code = 'qos0'"
    )
    assert quality == Quality.QOS0
