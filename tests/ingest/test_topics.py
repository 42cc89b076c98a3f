"""Our topics, and the filters of foreign ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.topics import (
    TELEMETRY_FILTER,
    Address,
    BadFilter,
    BadTopic,
    address,
    channel_filter,
    check_filter,
    is_level,
    matches,
    parse,
    receipt_topic,
    receipt_topic_of,
    value_topic,
)

LEVELS = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True).filter(
    lambda level: level.strip(".") != "" and level != "value"
)


class TestParse:
    def test_finds_whose_topic_it_is(self) -> None:
        found = parse("nengtan/v1/park/site-1/gw:01/telemetry")
        assert found == Address("park", "site-1", "gw:01", "telemetry")

    @given(LEVELS, LEVELS, LEVELS, st.sampled_from(["telemetry", "status", "receipt", "cmd"]))
    def test_reads_what_an_address_writes(
        self, tenant: str, site: str, gateway: str, channel: object
    ) -> None:
        found = address(tenant, site, gateway, channel)  # type: ignore[arg-type]
        assert parse(str(found)) == found

    @pytest.mark.parametrize(
        "topic",
        [
            "",
            "/neuron/modbus",
            "nengtan/v1/t/s/g",
            "nengtan/v1/t/s/g/telemetry/",
            "nengtan/v1/t/s/g/x/telemetry",
            "nengtan/v2/t/s/g/telemetry",
            "nengtan/v1/t/s/g/Telemetry",
            "nengtan/v1//s/g/telemetry",
            "nengtan/v1/t/../g/telemetry",
            "nengtan/v1/t/s/value/telemetry",
            "nengtan/v1/t/s/+/telemetry",
            "nengtan/v1/t/s/g h/telemetry",
            "nengtan/v1/t/s/网关/telemetry",
            "nengtan/v1/t/s/g\n/telemetry",
            "nengtan/v1/t/s/g\0/telemetry",
            f"nengtan/v1/t/s/{'g' * 65}/telemetry",
            "/".join("x" * 200),
        ],
        ids=lambda topic: repr(topic)[:40],
    )
    def test_refuses(self, topic: str) -> None:
        with pytest.raises(BadTopic) as caught:
            parse(topic)
        assert len(str(caught.value)) < 500


class TestBuild:
    def test_writes_receipts_values_and_filters(self) -> None:
        assert receipt_topic("t", "s", "g") == "nengtan/v1/t/s/g/receipt"
        assert value_topic("t", "s", "n", "power_kw") == "nengtan/v1/t/s/value/n/power_kw"
        assert channel_filter("t", "s", "telemetry") == "nengtan/v1/t/s/+/telemetry"
        assert channel_filter("t", "s", "cmd", gateway="g") == "nengtan/v1/t/s/g/cmd"

    def test_answers_telemetry_beside_it(self) -> None:
        topic = "nengtan/v1/t/s/g/telemetry"
        assert matches(TELEMETRY_FILTER, topic)
        assert receipt_topic_of(topic) == "nengtan/v1/t/s/g/receipt"
        with pytest.raises(BadTopic):
            receipt_topic_of("/neuron/modbus")

    def test_refuses_a_level_that_could_reach_further(self) -> None:
        for level in ("", "a/b", "+", "#", "..", "x" * 65):
            assert not is_level(level)
            with pytest.raises(BadTopic):
                receipt_topic("t", "s", level)
            with pytest.raises(BadTopic):
                value_topic("t", "s", level, "power_kw")
            with pytest.raises(BadTopic):
                channel_filter(level, "s", "telemetry")


class TestFilters:
    @pytest.mark.parametrize(
        ("pattern", "topic", "expected"),
        [
            ("/neuron/modbus", "/neuron/modbus", True),
            ("/neuron/+", "/neuron/modbus", True),
            ("/neuron/+", "/neuron/modbus/x", False),
            ("/neuron/#", "/neuron", True),
            ("/neuron/#", "/neuron/a/b", True),
            ("/neuron/#", "/neuronx", False),
            ("neuron/+", "/neuron/modbus", False),
            ("+/+", "/a", True),
            ("+", "/a", False),
            ("#", "a/b", True),
            ("#", "$SYS/x", False),
            ("+/x", "$SYS/x", False),
            ("$SYS/#", "$SYS/x", True),
            ("a/+/c", "a//c", True),
            ("a/+", "a", False),
            ("a", "A", False),
            ("a+", "a+", True),
        ],
    )
    def test_match_as_the_standard_says(self, pattern: str, topic: str, *, expected: bool) -> None:
        assert matches(pattern, topic) is expected

    @given(
        wanted=st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=4),
        found=st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=5),
        is_open=st.booleans(),
    )
    def test_match_as_a_regular_expression_does(
        self, wanted: list[str], found: list[str], *, is_open: bool
    ) -> None:
        pattern = "/".join(wanted) + ("/#" if is_open else "")
        expression = "/".join("[^/]*" if level == "+" else level for level in wanted)
        expression += "(/.*)?" if is_open else ""
        expected = re.fullmatch(expression, "/".join(found)) is not None
        assert matches(pattern, "/".join(found)) is expected

    @pytest.mark.parametrize(
        "pattern", ["", "a/#/b", "a#", "a/b+", "$share/g/a", "a\0", "a\ud800", "x" * 70_000]
    )
    def test_are_checked(self, pattern: str) -> None:
        with pytest.raises(BadFilter):
            check_filter(pattern)

    def test_are_given_back_when_good(self) -> None:
        assert check_filter("/neuron/+/#") == "/neuron/+/#"
