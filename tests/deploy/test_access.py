from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.access import Access, covers, mosquitto_access_list, mosquitto_passwords

LEVEL = st.sampled_from(["a", "b", "+"])
FILTER = st.builds(
    lambda levels, rest: "/".join([*levels, *rest]),
    st.lists(LEVEL, min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)
TOPIC = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map("/".join)


class TestCovers:
    @pytest.mark.parametrize(
        ("allowed", "asked", "expected"),
        [
            ("a/b", "a/b", True),
            ("a/+", "a/b", True),
            ("a/+", "a/#", False),
            ("a/#", "a/#", True),
            ("a/#", "a", True),
            ("a/b", "a/+", False),
            ("a/b/c", "a/b", False),
            ("a/b", "a/b/c", False),
            ("#", "$SYS/broker", False),
            ("+/broker", "$SYS/broker", False),
            ("$SYS/#", "$SYS/broker", True),
            ("a/+/c", "a/#", False),
        ],
    )
    def test_decides(self, allowed: str, asked: str, *, expected: bool) -> None:
        assert covers(allowed, asked) is expected

    @given(allowed=FILTER, asked=FILTER, topic=TOPIC)
    def test_grants_no_topic_that_the_allowed_filter_does_not_match(
        self,
        allowed: str,
        asked: str,
        topic: str,
    ) -> None:
        if covers(allowed, asked) and covers(asked, topic):
            assert covers(allowed, topic)


class TestMosquittoFiles:
    USERS: ClassVar = {"gateway": Access(password="secret", publish=("a/b",), subscribe=("a/+",))}

    def test_never_hold_the_password_itself(self) -> None:
        assert mosquitto_passwords(self.USERS).startswith("gateway:$7$101$")
        assert "secret" not in mosquitto_passwords(self.USERS)

    def test_grant_what_is_named_and_nothing_else(self) -> None:
        assert mosquitto_access_list(self.USERS).splitlines() == [
            "user gateway",
            "topic write a/b",
            "topic read a/+",
        ]
