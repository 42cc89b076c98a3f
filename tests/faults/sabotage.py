"""The sabotage list: one-line faults that the suite must find, and the quick test that does.

A guarantee is only as good as the test that fails without it. Each patch is applied to a copy of
the tree, where its test has to fail. Numbers are those of the list in the design.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.debian import PROJECT

COPIED = ("api", "compute", "dashboards", "deploy", "ingest", "services", "tests")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
# pytest's own: tests ran, and some failed.
FAILED = 1


@dataclass(frozen=True)
class Sabotage:
    """A fault: `old` is in the file once, and becomes `new`; `test` finds it."""

    item: int
    what: str
    path: str
    old: str
    new: str
    test: str
    only: str = ""  # of the parameters of the test


SABOTAGES = (
    Sabotage(
        1,
        "acknowledge before the commit",
        "ingest/pipeline.py",
        '            crash_point("received")\n',
        "            self.receiver.acknowledge([delivery.token for delivery in deliveries])\n",
        "tests/ingest/test_pipeline.py::TestPipeline::test_commits_then_receipts_then_acknowledges",
        "plain",
    ),
    Sabotage(
        2,
        "receipt before the commit",
        "ingest/pipeline.py",
        '            crash_point("parsed")\n',
        '            [await self._publish(r) for r in __import__("ingest.ledger").ledger'
        ".receipts(part.batch.messages)]\n",
        "tests/ingest/test_pipeline.py::TestPipeline::test_commits_then_receipts_then_acknowledges",
        "plain",
    ),
    Sabotage(
        3,
        "no ON CONFLICT",
        "services/store/queries/readings.sql",
        "  on conflict (ts, point_id) do nothing\n",
        "",
        "tests/ingest/test_commit.py::TestCommit"
        "::test_of_the_same_batch_again_changes_nothing_but_the_count_of_duplicates",
        "plain",
    ),
    Sabotage(
        4,
        "a key without the register",
        "compute/arrivals.py",
        "return bool(point_id[left] < point_id[right])",
        "return False",
        "tests/ingest/test_ledger.py::TestFirstReadings",
    ),
    Sabotage(
        5,
        "synchronous_commit = off",
        "services/store/pool.py",
        '"options": "-c timezone=UTC ',
        '"options": "-c synchronous_commit=off -c timezone=UTC ',
        "tests/services/test_store_pool.py::TestOpen::test_says_which_tier_it_found",
        "plain",
    ),
    Sabotage(
        7,
        "a clean session",
        "ingest/mqtt/fast.py",
        "clean_start=False,",
        "clean_start=True,",
        "tests/ingest/test_mqtt.py::TestFastReceiver"
        "::test_connects_with_a_session_that_never_expires",
    ),
    Sabotage(
        8,
        "results added up in place",
        "services/store/queries/results.sql",
        "input_hash = excluded.input_hash, amount = excluded.amount,",
        "input_hash = excluded.input_hash, amount = r.amount + excluded.amount,",
        "tests/services/test_store_results.py::TestPutResults"
        "::test_writes_over_what_stands_there_and_nan_as_null",
        "plain",
    ),
    Sabotage(
        9,
        "only the last 7 days are computed again",
        "services/touched.py",
        "for a, b in raw]\n",
        "for a, b in raw if b > max(e for _, e in spans.values()) - 604_800_000_000]\n",
        "tests/services/test_recompute.py::test_counts_what_comes_in_400_days_late",
        "plain",
    ),
    Sabotage(
        10,
        "an alert key without the episode",
        "services/notify/queue.py",
        "key_of(told.tenant, told.id, kind, channel, step)",
        "key_of(told.tenant, told.rule, kind, channel, step)",
        "tests/services/test_notify_deliver.py::TestWebhook::test_is_told_once_by_two_notifiers",
    ),
    Sabotage(
        11,
        "marked as sent before it is sent",
        "services/notify/deliver.py",
        "        failure = await self._send(outlet, rows, at)\n",
        "        await self._insist(lambda connection: self._taken(connection, outlet, rows))\n"
        "        failure = await self._send(outlet, rows, at)\n",
        "tests/services/test_notify_deliver.py::TestWebhook"
        "::test_that_fails_is_tried_again_with_the_same_key_and_the_same_words",
        "500",
    ),
    Sabotage(
        19,
        "except Exception: pass in the parser",
        "ingest/decode/nengtan.py",
        "    except (msgspec.DecodeError, UnicodeDecodeError):\n        return None\n",
        "    except Exception:\n        return Decoded()\n",
        "tests/ingest/test_decode_nengtan.py::TestWholeMessages::test_are_refused_once",
    ),
    Sabotage(
        21,
        "an unbounded queue",
        "ingest/mqtt/inbox.py",
        "return self._count >= self._count_max or self._bytes >= self._bytes_max",
        "return False",
        "tests/ingest/test_mqtt.py::TestBackPressure"
        "::test_stops_reading_at_its_limits_and_goes_on_below_half",
    ),
    Sabotage(
        22,
        "local time of the server in an edge",
        "compute/periods.py",
        "    zone = ZoneInfo(time_zone)\n    if grain",
        '    zone = ZoneInfo("UTC")\n    if grain',
        "tests/compute/test_periods.py::TestPeriodEdges::test_make_days_of_23_and_25_hours",
    ),
    Sabotage(
        23,
        "NaN passes",
        "ingest/decode/strict_json.py",
        '    return Fault(Code.NONFINITE, f"{token} is not a number; leave the reading out")',
        "    return float(token)",
        "tests/ingest/test_decode_nengtan.py::TestPoints"
        "::test_reject_a_value_that_is_no_plain_number",
    ),
)


def copy_tree(folder: Path) -> None:
    """Copy what the tests need; caches and the environment stay where they are."""
    folder.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(PROJECT / name, folder / name, ignore=NOT_COPIED)
    shutil.copy2(PROJECT / "pyproject.toml", folder)
    (folder / ".cache").symlink_to(PROJECT / ".cache")


@dataclass(frozen=True)
class Finding:
    """What became of a sabotage: whether its test failed, and how long that took."""

    found: bool
    seconds: float
    output: str


def apply(sabotage: Sabotage, folder: Path) -> str:
    """Change the copy, and return what the file was."""
    path = folder / sabotage.path
    text = path.read_text(encoding="utf-8")
    assert text.count(sabotage.old) == 1, f"{sabotage.item}: {sabotage.path} has changed"
    path.write_text(text.replace(sabotage.old, sabotage.new), encoding="utf-8")
    return text


def run_test(sabotage: Sabotage, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the test of a sabotage in a copy as it stands."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", sabotage.test, "-q", "-x"),
            *("-p", "no:cacheprovider"),
            *(("-k", sabotage.only) if sabotage.only else ()),
        ],
        check=False,
        cwd=folder,
        # Kernels in plain Python: compiling them anew for the copy would take minutes.
        env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )


def run(sabotage: Sabotage, folder: Path) -> Finding:
    """Sabotage a copy, run its test there, and mend the copy."""
    before = apply(sabotage, folder)
    began_s = time.monotonic()
    try:
        ended = run_test(sabotage, folder)
    finally:
        (folder / sabotage.path).write_text(before, encoding="utf-8")
    output = ended.stdout[-3000:] + ended.stderr[-1000:]
    return Finding(
        ended.returncode == FAILED and "\nFAILED " in ended.stdout,
        time.monotonic() - began_s,
        output,
    )
