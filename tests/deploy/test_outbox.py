"""The durable outbox: what was put survives, what is receipted leaves, nothing else."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.message import Reading, ReadingRefused
from deploy.outbox import DAY_US, Outbox, Rejected
from deploy.outbox_file import SCHEMA, OutboxFault, OutboxInUse

PROJECT = Path(__file__).parents[2]

# Puts messages and prints each number after it is on the disk, until it is killed.
WRITER = """
import sys
from pathlib import Path
from deploy.outbox import Outbox

outbox = Outbox.open(Path(sys.argv[1]))
while True:
    readings = [(f"P{i}", outbox.last_seq * 1000, float(outbox.last_seq)) for i in range(50)]
    seqs = outbox.put_many([readings] * 3, position={"row": str(outbox.last_seq + 3)})
    print(seqs[-1], flush=True)
"""
HOLDER = """
import sys
from pathlib import Path
from deploy.outbox import Outbox

outbox = Outbox.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def _readings(count: int = 2, value: float = 1.0) -> list[Reading]:
    return [(f"P{index}", 1_700_000_000_000_000, value) for index in range(count)]


def _process(program: str, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Outbox.open(path) as opened:
        yield opened


class TestPut:
    def test_counts_from_one_without_gaps(self, outbox: Outbox) -> None:
        assert outbox.origin == "created"
        assert [outbox.put(_readings()) for _ in range(3)] == [1, 2, 3]
        assert outbox.put_many([_readings(), _readings()]) == [4, 5]
        assert (outbox.last_seq, outbox.pending_count, outbox.pending_reading_count) == (5, 5, 10)

    def test_stores_the_bytes_that_are_sent(self, outbox: Outbox) -> None:
        outbox.put([("P1", 1_700_000_000_000_000, 0.1)])
        [message] = outbox.pending()
        assert json.loads(message.body) == {
            "epoch": outbox.epoch,
            "seq": 1,
            "readings": [["P1", 1_700_000_000_000, 0.1]],
        }

    def test_keeps_nothing_of_a_put_with_one_bad_value(self, outbox: Outbox) -> None:
        with pytest.raises(ReadingRefused, match="not finite"):
            outbox.put_many([_readings(), [("P1", 0, float("nan"))]], position={"row": "7"})
        assert outbox.pending() == []
        assert outbox.position("row") is None
        assert outbox.put(_readings()) == 1

    def test_never_uses_a_number_again(self, path: Path) -> None:
        with Outbox.open(path) as outbox:
            epoch = outbox.epoch
            outbox.put_many([_readings()] * 3)
            outbox.receipted([(1, 3)], at_us=0)
            outbox.compact()
        with Outbox.open(path) as outbox:
            assert (outbox.origin, outbox.epoch) == ("opened", epoch)
            assert outbox.put(_readings()) == 4


class TestPending:
    def test_gives_the_oldest_first_within_its_limits(self, outbox: Outbox) -> None:
        outbox.put_many([_readings()] * 10)
        size = len(outbox.pending(limit_count=1)[0].body)
        assert [message.seq for message in outbox.pending(3, limit_count=4)] == [4, 5, 6, 7]
        assert len(outbox.pending(limit_bytes=size * 3)) == 3

    def test_gives_one_message_that_is_larger_than_the_limit(self, outbox: Outbox) -> None:
        outbox.put_many([_readings()] * 2)
        assert [message.seq for message in outbox.pending(limit_bytes=1)] == [1]


class TestReceipted:
    @given(
        st.integers(1, 30),
        st.lists(st.tuples(st.integers(-3, 2**70), st.integers(-3, 2**70)), max_size=6)
        | st.lists(st.tuples(st.integers(-1, 32), st.integers(-1, 32)), max_size=6),
    )
    def test_lets_go_of_exactly_what_the_ranges_name(
        self, count: int, ranges: list[tuple[int, int]]
    ) -> None:
        with Outbox(Path(":memory:"), _memory(), 0) as outbox:
            outbox.put_many([_readings()] * count)
            released = outbox.receipted(ranges, at_us=0)
            named = {seq for seq in range(1, count + 1) if any(a <= seq <= b for a, b in ranges)}
            assert set(released.seqs) == named
            assert len(released.seqs) == len(named)
            left = [message.seq for message in outbox.pending(limit_count=99)]
            assert left == [seq for seq in range(1, count + 1) if seq not in named]
            assert outbox.pending_count == len(left)
            assert outbox.pending_bytes == sum(len(m.body) for m in outbox.pending(limit_count=99))
            assert outbox.counters() == {"put": 2 * count} | (
                {"receipted": 2 * len(named)} if named else {}
            )

    def test_counts_a_repeated_receipt_once(self, outbox: Outbox) -> None:
        outbox.put_many([_readings()] * 3)
        rejected = [Rejected(2, 1, "unknown_point")]
        first = outbox.receipted([(1, 2)], rejected, at_us=0)
        again = outbox.receipted([(1, 2)], rejected, at_us=0)
        assert first.seqs == (1, 2)
        assert first.rejected[0].reading == ("P1", 1_700_000_000_000, 1.0)
        assert again.seqs == ()
        assert again.rejected == ()
        assert outbox.counters() == {"put": 6, "receipted": 4, "rejected.unknown_point": 1}

    def test_takes_a_wholly_rejected_message_without_a_range(self, outbox: Outbox) -> None:
        outbox.put_many([_readings(5)] * 2)
        released = outbox.receipted([], [Rejected(1, -1, "depth")], at_us=0)
        assert released.seqs == (1,)
        assert outbox.counters()["rejected.depth"] == 5

    def test_keeps_a_message_whose_item_alone_is_rejected(self, outbox: Outbox) -> None:
        outbox.put(_readings())
        assert outbox.receipted([], [Rejected(1, 0, "unit")], at_us=0).seqs == ()
        assert outbox.pending_count == 1

    def test_survives_an_item_that_the_message_does_not_have(self, outbox: Outbox) -> None:
        outbox.put(_readings())
        released = outbox.receipted([(1, 1)], [Rejected(1, 99, "x"), Rejected(9, 0, "x")], at_us=0)
        assert [item.reading for item in released.rejected] == [None]


class TestKeepReceipted:
    def test_sends_again_what_was_receipted_since(self, path: Path) -> None:
        with Outbox.open(path, keep_receipted_days=7) as outbox:
            outbox.put_many([_readings()] * 3)
            outbox.receipted([(1, 1)], at_us=0)
            outbox.receipted([(2, 2)], at_us=6 * DAY_US)
            outbox.receipted([(3, 3)], at_us=8 * DAY_US)
            assert outbox.requeue(since_us=0) == 2
            assert [message.seq for message in outbox.pending()] == [2, 3]
            assert outbox.pending_reading_count == 4

    def test_keeps_nothing_by_default(self, outbox: Outbox) -> None:
        outbox.put(_readings())
        outbox.receipted([(1, 1)], at_us=0)
        assert outbox.requeue(since_us=0) == 0


class TestOpen:
    def test_refuses_a_second_process(self, path: Path) -> None:
        holder = _process(HOLDER, path)
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            with pytest.raises(OutboxInUse, match="open in another process"):
                Outbox.open(path)
        finally:
            holder.kill()
            holder.communicate()
        Outbox.open(path).close()

    def test_refuses_a_second_opening_in_this_process(self, outbox: Outbox) -> None:
        with pytest.raises(OutboxInUse):
            Outbox.open(outbox.path)

    @pytest.mark.parametrize("damage", ["text", "middle"])
    def test_puts_a_damaged_file_aside_and_begins_an_epoch(self, path: Path, damage: str) -> None:
        with Outbox.open(path) as outbox:
            epoch = outbox.epoch
            outbox.put_many([_readings(1000)] * 50)
            outbox.compact()
        content = bytearray(path.read_bytes())
        if damage == "text":
            content[:] = b"not a database, but long enough to be looked at" * 100
        else:
            content[16384 : 16384 * 12] = os.urandom(16384 * 11)
        path.write_bytes(content)
        with Outbox.open(path) as outbox:
            assert outbox.origin == "replaced"
            assert outbox.epoch != epoch
            assert outbox.damaged_path is not None
            assert outbox.damaged_path.read_bytes() == content
            assert outbox.put(_readings()) == 1

    def test_says_when_the_folder_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutboxFault, match="name a folder"):
            Outbox.open(tmp_path / "file" / "outbox.sqlite")


class TestKill:
    def test_loses_nothing_that_a_put_returned_for(self, path: Path) -> None:
        chance = random.Random(7)  # noqa: S311 - a seed, not a secret
        for _ in range(5):
            writer = _process(WRITER, path)
            assert writer.stdout is not None
            first = writer.stdout.readline()
            assert first, "the writer must have begun"
            time.sleep(chance.uniform(0.0, 0.2))
            writer.send_signal(signal.SIGKILL)
            rest, _ = writer.communicate()
            # The last line may be cut by the kill, so only whole lines are claims.
            told = [
                int(line) for line in (first + rest).splitlines(keepends=True) if line[-1] == "\n"
            ]
            with Outbox.open(path) as outbox:
                seqs = [
                    message.seq for message in outbox.pending(limit_count=10**6, limit_bytes=10**9)
                ]
                assert seqs == list(range(1, outbox.last_seq + 1))
                assert outbox.last_seq >= told[-1]
                # All three messages of a put and its position, or none of them.
                assert outbox.position("row") == str(outbox.last_seq)
                assert outbox.last_seq % 3 == 0


def _memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.executescript(SCHEMA)
    return connection
