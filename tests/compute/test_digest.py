"""The digest of inputs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compute.digest import EMPTY, mix
from tests.twins import digest as twin

WORDS = st.lists(st.integers(0, 2**64 - 1), max_size=20)


def digest(words: list[int]) -> int:
    state = EMPTY
    with np.errstate(over="ignore"):
        for word in words:
            state = mix(np.uint64(state), np.uint64(word))
    return int(state)


class TestMix:
    @given(WORDS)
    def test_equals_whole_numbers_modulo_2_to_64(self, words: list[int]) -> None:
        assert digest(words) == twin.digest(words)

    @given(WORDS, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
    def test_depends_on_the_order(self, words: list[int], a: int, b: int) -> None:
        assert (digest([*words, a, b]) == digest([*words, b, a])) == (a == b)
