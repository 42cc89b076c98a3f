import pytest

from compute.quality import BAD, Quality, flag_names, grade


class TestGrade:
    def test_is_good_without_a_bit(self) -> None:
        assert grade(0) == "good"

    @pytest.mark.parametrize("flag", [flag for flag in Quality if flag & BAD])
    def test_is_bad_where_something_is_withheld_or_absent(self, flag: Quality) -> None:
        assert grade(flag | Quality.QOS0) == "bad"

    @pytest.mark.parametrize("flag", [flag for flag in Quality if flag and not flag & BAD])
    def test_is_uncertain_with_any_other_bit(self, flag: Quality) -> None:
        assert grade(flag) == "uncertain"

    def test_does_not_call_bad_what_may_still_come(self) -> None:
        assert grade(Quality.OPEN | Quality.MISSING) == "uncertain"
        assert grade(Quality.OPEN | Quality.SPIKE) == "bad"


class TestFlagNames:
    def test_follow_the_order_of_the_bits(self) -> None:
        assert flag_names(Quality.OPEN | Quality.QOS0) == ["qos0", "open"]

    def test_fit_a_32_bit_column(self) -> None:
        assert max(Quality).bit_length() < 32
