"""Who is told of an alert and when: the policy document, and the plan made of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.address import UrlRefused, is_reachable, read_url
from services.notify.hours import Hours, end_of
from services.notify.matching import LabelMatcher, Matcher, matches
from services.notify.plan import on_duty, plan
from services.notify.policy import Policy
from services.notify.read import PolicyInvalid, read_policy

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAME = {"zh": "名称", "en": "Name"}
# A Wednesday, 22:30 in Shanghai.
AT = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def channel(code: str, kind: str = "webhook", **more: Any) -> dict[str, Any]:
    needed: Mapping[str, dict[str, Any]] = {
        "webhook": {"url": "https://hook.example.com/x"},
        "alertmanager": {"url": "https://am.example.com"},
        "mail": {"to": ["duty@example.com"]},
    }
    return {"code": code, "name": NAME, "kind": kind, **needed.get(kind, {"secret": "k"}), **more}


def document(**more: Any) -> dict[str, Any]:
    return {
        "schema": "nengtan.alert-policy/1",
        "channels": [channel("hook"), channel("mail", "mail"), channel("boss", "mail")],
        "routes": [{"steps": [{"tell": ["hook"]}]}],
        **more,
    }


def policy(**more: Any) -> Policy:
    read, _ = read_policy(json.dumps(document(**more)).encode(), allowed=(), secrets={"k"})
    return read


def faults(**more: Any) -> list[tuple[str, str]]:
    try:
        _, found = read_policy(json.dumps(document(**more)).encode(), allowed=(), secrets={"k"})
    except PolicyInvalid as invalid:
        found = invalid.findings
    return [(one.code, one.path) for one in found]


def planned(policy: Policy, at: datetime = AT, **labels: str) -> list[tuple[str, str, int, float]]:
    """Return channel, kind, step and minutes of wait of each message."""
    made = plan(policy, labels={"severity": "warning", **labels}, fired_at=at)
    return [(one.channel, one.kind, one.step, (one.due_at - at) / MINUTE) for one in made]


class TestPlan:
    def test_takes_the_first_route_that_matches(self) -> None:
        routes = [
            {
                "matchers": [{"name": "severity", "value": "critical"}],
                "steps": [{"tell": ["hook"]}],
            },
            {"steps": [{"tell": ["mail"]}]},
        ]
        made = policy(routes=routes)
        assert planned(made, severity="critical") == [("hook", "firing", 0, 0)]
        assert planned(made, severity="info") == [("mail", "firing", 0, 0)]

    def test_tells_nobody_where_no_route_matches(self) -> None:
        routes = [{"matchers": [{"name": "site", "value": "b"}], "steps": [{"tell": ["hook"]}]}]
        assert planned(policy(routes=routes), site="a") == []

    def test_escalates_step_by_step(self) -> None:
        steps = [{"tell": ["mail", "mail"]}, {"after_minutes": 15, "tell": ["mail", "boss"]}]
        assert planned(policy(routes=[{"steps": steps}])) == [
            ("mail", "firing", 0, 0),
            ("mail", "escalation", 1, 15),
            ("boss", "escalation", 1, 15),
        ]

    @pytest.mark.parametrize(
        ("severity", "kind", "wait_minutes"),
        [
            ("warning", "mail", 9 * 60),  # from 22:30 to 07:30
            ("info", "mail", 0),
            ("critical", "mail", 0),
            ("warning", "webhook", 0),  # machines do not sleep
        ],
    )
    def test_lets_people_sleep(self, severity: str, kind: str, wait_minutes: int) -> None:
        made = policy(
            channels=[channel("it", kind)],
            routes=[{"steps": [{"tell": ["it"]}]}],
            quiet_hours=[{"from": "22:00", "to": "07:30", "severities": ["warning"]}],
        )
        assert planned(made, severity=severity) == [("it", "firing", 0, wait_minutes)]

    def test_tells_who_is_on_duty_when_the_message_is_due(self) -> None:
        made = policy(
            shifts=[
                shift("night", "22:00", "06:00", "mail"),
                shift("day", "06:00", "22:00", "boss"),
            ],
            routes=[{"steps": [{"tell": ["night", "day"]}]}],
        )
        assert planned(made) == [("mail", "firing", 0, 0)]
        assert planned(made, at=AT + 8 * 60 * MINUTE) == [("boss", "firing", 0, 0)]
        assert on_duty(made, AT) == [("night", local("2026-11-26T06:00").astimezone(UTC))]

    def test_asks_for_duty_at_the_end_of_the_quiet_hours(self) -> None:
        made = policy(
            shifts=[
                shift("night", "22:00", "06:00", "mail"),
                shift("day", "06:00", "22:00", "boss"),
            ],
            routes=[{"steps": [{"tell": ["night", "day"]}]}],
            quiet_hours=[{"from": "22:00", "to": "07:30"}],
        )
        assert planned(made) == [("boss", "firing", 0, 9 * 60)]

    def test_lets_people_wait_for_the_rest_of_a_group(self) -> None:
        steps = [{"tell": ["hook", "mail"]}]
        made = policy(routes=[{"steps": steps, "group_wait_seconds": 30}])
        assert planned(made) == [("hook", "firing", 0, 0), ("mail", "firing", 0, 0.5)]


def shift(code: str, start: str, end: str, *channels: str) -> dict[str, Any]:
    hours = [{"from": start, "to": end}]
    return {"code": code, "name": NAME, "hours": hours, "channels": list(channels)}


class TestHours:
    @pytest.mark.parametrize(
        ("days", "start", "end", "at", "ends"),
        [
            (["wed"], "22:00", "06:00", "2026-11-25T22:00", "2026-11-26T06:00"),
            (["wed"], "22:00", "06:00", "2026-11-26T05:59", "2026-11-26T06:00"),
            (["wed"], "22:00", "06:00", "2026-11-26T06:00", None),
            (["wed"], "22:00", "06:00", "2026-11-26T22:00", None),
            (["wed"], "08:00", "24:00", "2026-11-25T23:59", "2026-11-26T00:00"),
            (["wed"], "08:00", "08:00", "2026-11-26T07:59", "2026-11-26T08:00"),
            (["tue"], "08:00", "08:00", "2026-11-25T08:00", None),
        ],
    )
    def test_end(self, days: list[str], start: str, end: str, at: str, ends: str | None) -> None:
        hours = Hours.model_validate_json(json.dumps({"days": days, "from": start, "to": end}))
        found = end_of([hours], local(at), SHANGHAI)
        assert found == (None if ends is None else local(ends))

    def test_of_spans_that_join_end_together(self) -> None:
        spans = [
            Hours.model_validate_json(json.dumps({"days": ["wed"], "from": a, "to": b}))
            for a, b in (("08:00", "12:00"), ("12:00", "18:00"), ("19:00", "20:00"))
        ]
        assert end_of(spans, local("2026-11-25T09:00"), SHANGHAI) == local("2026-11-25T18:00")

    @pytest.mark.parametrize("day", [29, 30])
    def test_follow_the_local_clock_where_it_changes(self, day: int) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        hours = Hours.model_validate_json(json.dumps({"from": "01:00", "to": "04:00"}))
        # 29 March 2026: 02:00 is followed by 03:00.
        at = datetime(2026, 3, day, 1, tzinfo=berlin)
        found = end_of([hours], at.astimezone(UTC), berlin)
        assert found is not None
        assert found - at.astimezone(UTC) == timedelta(hours=2 if day == 29 else 3)

    @given(
        start=st.integers(0, 1439),
        end=st.integers(0, 1440),
        minute=st.integers(0, 7 * 1440 - 1),
        days=st.sets(st.sampled_from(["mon", "tue", "sun"]), min_size=1),
    )
    def test_hold_at_every_instant_before_their_end_and_not_at_it(
        self, start: int, end: int, minute: int, days: set[str]
    ) -> None:
        text = {"days": sorted(days), "from": _clock(start), "to": _clock(end)}
        hours = Hours.model_validate_json(json.dumps(text))
        at = datetime(2026, 11, 23, tzinfo=UTC) + minute * MINUTE
        found = end_of([hours], at, SHANGHAI)
        if found is not None:
            assert at < found
            assert end_of([hours], found - MINUTE, SHANGHAI) == found
            # Hours of one span join only where a whole day follows another.
            assert end_of([hours], found, SHANGHAI) is None or start == end % 1440


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class TestMatchers:
    @pytest.mark.parametrize(
        ("value", "is_regex", "is_equal", "label", "expected"),
        [
            ("a", False, True, "a", True),
            ("a", False, True, "ab", False),
            ("a", False, False, "b", True),
            ("", False, True, None, True),
            ("a|b.*", True, True, "bcd", True),
            ("a|b.*", True, True, "xb", False),
            ("^(?:a|b)$", True, True, "b", True),
            (r"10\.0", True, True, "10.0", True),
            (r"10\.0", True, True, "1000", False),
            (".+", True, True, None, False),
            ("[abc-]x", True, False, "bx", False),
        ],
    )
    def test_match(
        self, *, value: str, is_regex: bool, is_equal: bool, label: str | None, expected: bool
    ) -> None:
        matcher = LabelMatcher(name="n", value=value, is_regex=is_regex, is_equal=is_equal)
        assert matches([matcher], {} if label is None else {"n": label}) is expected

    @pytest.mark.parametrize("pattern", ["(a+)+$", "a{3,}", "(", "a.*b.*c.*d.*", r"\d", "a+"])
    def test_patterns_that_could_be_slow_are_refused(self, pattern: str) -> None:
        routes = [
            {
                "matchers": [{"name": "node", "value": pattern, "isRegex": True}],
                "steps": [{"tell": ["hook"]}],
            }
        ]
        assert ("invalid", "routes[0].matchers[0]") in faults(routes=routes)

    def test_are_written_as_they_are_read(self) -> None:
        text = {"name": "n", "value": "v", "isRegex": False, "isEqual": True}
        matcher: Matcher = LabelMatcher.model_validate_json(json.dumps(text))
        assert matcher.model_dump() == text


class TestReadPolicy:
    def test_takes_a_whole_one_and_warns_of_what_is_doubtful(self) -> None:
        assert faults() == []
        secret = [channel("hook", secret="unknown")]
        assert faults(channels=secret) == [("secret_unknown", "channels[0].secret")]
        routes = [{"matchers": [{"name": "a", "value": "b"}], "steps": [{"tell": ["hook"]}]}]
        assert faults(routes=routes) == [("nobody_told", "routes")]

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"time_zone": "Mars"}, ("unknown_zone", "time_zone")),
            ({"channels": [channel("a"), channel("a")]}, ("code_twice", "channels[1].code")),
            ({"channels": [channel("a", url=None)]}, ("field_missing", "channels[0]")),
            ({"channels": [channel("a", to=["a@b"])]}, ("field_unused", "channels[0].to")),
            (
                {"channels": [channel("hook", "mail", to=["nobody"])]},
                ("address_form", "channels[0].to[0]"),
            ),
            ({"channels": [channel("a", then="b")]}, ("unknown_channel", "channels[0].then")),
            (
                {"channels": [channel("a", then="b"), channel("b", then="a")]},
                ("then_cycle", "channels[0].then"),
            ),
            ({"channels": [channel("a", typo=1)]}, ("unknown_key", "channels[0].typo")),
            (
                {"routes": [{"steps": [{"tell": ["hok"]}]}]},
                ("unknown_target", "routes[0].steps[0].tell[0]"),
            ),
            (
                {"routes": [{"steps": [{"tell": ["hook"]}, {"tell": ["mail"]}]}]},
                ("steps_order", "routes[0].steps"),
            ),
            (
                {"routes": [{"steps": [{"tell": ["hook"]}]}, {"steps": [{"tell": ["mail"]}]}]},
                ("route_hidden", "routes[1]"),
            ),
            (
                {"shifts": [shift("s", "24:00", "06:00", "hook")]},
                ("hours_empty", "shifts[0].hours[0].from"),
            ),
            (
                {"shifts": [shift("s", "8:00", "06:00", "hook")]},
                ("clock_form", "shifts[0].hours[0].from"),
            ),
            (
                {"quiet_hours": [{"from": "22:00", "to": "06:00", "severities": ["critical"]}]},
                ("choice", "quiet_hours[0].severities[0]"),
            ),
        ],
    )
    def test_names_what_is_wrong(self, more: dict[str, Any], expected: tuple[str, str]) -> None:
        assert expected in faults(**more)

    def test_proposes_what_was_meant(self) -> None:
        with pytest.raises(PolicyInvalid) as caught:
            policy(routes=[{"steps": [{"tell": ["hok"]}]}])
        assert caught.value.findings[0].nearest == "hook"


class TestUrls:
    """B100: nothing is sent inside, whatever the URL is written like."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:5432",
            "http://169.254.169.254/latest/meta-data",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::1]/",
            "http://224.0.0.1/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "//example.com/",
            "http://",
            "http://user:pass@example.com/",
            "http://example.com:99999/",
            "http://exa mple.com/",
            "http://example.com/\r\nX: y",
            "http://例子.com/",
        ],
    )
    def test_are_refused_in_a_policy(self, url: str) -> None:
        found = faults(channels=[channel("hook", url=url)])
        assert found == [("url_refused", "channels[0].url")]
        found = faults(heartbeat_url=url)
        assert found == [("url_refused", "heartbeat_url")]

    def test_of_networks_that_the_operator_named_are_taken(self) -> None:
        allowed = [ip_network("10.2.0.0/16"), ip_network("::1/128")]
        assert read_url("http://10.2.3.4:8080/a?b=c", allowed=allowed).authority == "10.2.3.4:8080"
        assert read_url("https://[::1]/", allowed=allowed).authority == "[::1]"
        for address in ("10.3.0.1", "127.0.0.1"):
            with pytest.raises(UrlRefused, match="public"):
                read_url(f"http://{address}/", allowed=allowed)

    @given(st.ip_addresses())
    def test_public_addresses_alone_are_reachable_unless_named(self, address: Any) -> None:
        named = [ip_network(f"{address}/{address.max_prefixlen}")]
        assert is_reachable(address, ()) <= bool(address.is_global)
        assert is_reachable(address, named)
