"""G1, and G3 for kills: `kill -9` of anything at any instant loses nothing, and doubles nothing."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.bench import SERVICES, Bench
from tests.faults.checker import Verdict
from tests.servers import DatabaseServer, MosquittoServer

pytestmark = [pytest.mark.broker, pytest.mark.database]

SEED = int(os.environ.get("NENGTAN_TEST_SEED", "20260726"))
DRAINED_S_MAX = 30.0
# Beside other tests, on a machine that is busy.
DRAINED_S_MAX_BUSY = 120.0


@dataclass(frozen=True)
class Outcome:
    """What kills came to, and how long the centre took for what they held up."""

    seed: int
    verdict: Verdict
    drained_s: float


def run(
    server: DatabaseServer,
    broker: MosquittoServer,
    folder: Path,
    *,
    kill_count: int,
    seed: int,
) -> Outcome:
    """Kill at random while gateways send; then compare."""
    broker.start()
    with Bench(server, broker, folder, seed=seed) as bench:
        bench.start(*SERVICES, "gateway")
        bench.wait_receipts()
        began_s = time.monotonic()
        bench.kill_at_random(kill_count)
        last_s = time.monotonic()
        verdict = bench.finish()
        print(
            f"\n{server.tier}: seed {seed}, {kill_count} kills in {last_s - began_s:.0f} s"
            f" {dict(Counter(bench.kills))},"
            f" {bench.receipts()} receipts, drained in {bench.drained_s:.1f} s: {verdict}"
        )
        return Outcome(seed, verdict, bench.drained_s)


class TestKillsAtRandom:
    @pytest.mark.timeout(900)
    def test_lose_nothing_and_count_nothing_twice(
        self,
        own_database_server: DatabaseServer,
        own_mosquitto_server: MosquittoServer,
        tmp_path: Path,
    ) -> None:
        outcome = run(own_database_server, own_mosquitto_server, tmp_path, kill_count=30, seed=SEED)
        assert not outcome.verdict.found, f"seed {outcome.seed}: {outcome.verdict}"
        assert outcome.drained_s < DRAINED_S_MAX_BUSY, f"seed {outcome.seed}"

    @pytest.mark.faults
    @pytest.mark.timeout(7200)
    @pytest.mark.parametrize("seed", range(SEED + 1, SEED + 5))
    def test_lose_nothing_however_many_there_are(
        self,
        own_database_server: DatabaseServer,
        own_mosquitto_server: MosquittoServer,
        tmp_path: Path,
        seed: int,
    ) -> None:
        # With both tiers 400.
        outcome = run(own_database_server, own_mosquitto_server, tmp_path, kill_count=50, seed=seed)
        assert not outcome.verdict.found, f"seed {outcome.seed}: {outcome.verdict}"
        assert outcome.drained_s < DRAINED_S_MAX, f"seed {outcome.seed}"
