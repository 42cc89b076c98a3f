"""What the demo's gateways send, and when: the backlog's pieces, the pace, faults on request."""

from pathlib import Path

import msgspec
import pytest

from deploy.demo import demo_plants, described_plants
from deploy.demo_backlog import Backlog, Span, newest_piece
from deploy.demo_faults import DemoFault, FaultFile, announcement, faults_of
from deploy.demo_gateways import LiveFeeder, Pace, World
from deploy.outbox import Outbox
from deploy.simulated_faults import Fault
from services.plant.compile import point_rows

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
NOW_US = 1_741_046_400 * SECOND_US  # 2025-03-04 08:00 in Shanghai
DEMO = next(plant for plant in demo_plants() if plant.tenant == "demo")


class TestBacklog:
    def test_goes_out_in_pieces_the_newest_first_and_whole(self, tmp_path: Path) -> None:
        backlog = Backlog(tmp_path / "backlog.json")
        backlog.add(Span(3 * HOUR_US + 1, 20 * HOUR_US, SECOND_US))
        sent = []
        while backlog.spans:
            piece = newest_piece(backlog.spans, length_us=6 * HOUR_US)
            backlog.remove(piece)
            sent.append((piece.start_us, piece.end_us))
        assert sent == [
            (18 * HOUR_US, 20 * HOUR_US),
            (12 * HOUR_US, 18 * HOUR_US),
            (6 * HOUR_US, 12 * HOUR_US),
            (3 * HOUR_US + 1, 6 * HOUR_US),
        ]

    def test_keeps_what_is_added_while_a_piece_is_on_its_way(self, tmp_path: Path) -> None:
        backlog = Backlog(tmp_path / "backlog.json")
        backlog.add(Span(0, 5 * HOUR_US, SECOND_US))
        piece = newest_piece(backlog.spans, length_us=HOUR_US)
        late = Span(6 * HOUR_US, 7 * HOUR_US, SECOND_US, "gw")
        backlog.add(late)
        backlog.add(late)
        backlog.remove(piece)
        assert Backlog(tmp_path / "backlog.json").spans == [
            Span(0, 4 * HOUR_US, SECOND_US),
            late,
        ]


class TestPace:
    def test_is_the_time_itself_at_normal_speed(self) -> None:
        pace = Pace(1.0, began_us=NOW_US)
        assert [pace.at(NOW_US + n) for n in (0, 7, HOUR_US)] == [
            NOW_US,
            NOW_US + 7,
            NOW_US + HOUR_US,
        ]
        assert pace.step_us(2 * SECOND_US) == 2 * SECOND_US

    @pytest.mark.parametrize(("speed", "step_s"), [(10, 5), (60, 20), (1_000, 300)])
    def test_begins_in_the_past_and_meets_the_present(self, speed: float, step_s: int) -> None:
        pace = Pace(speed, began_us=NOW_US)
        assert pace.at(NOW_US) == NOW_US - round(600 * SECOND_US * (speed - 1))
        assert pace.at(NOW_US + SECOND_US) - pace.at(NOW_US) == round(speed * SECOND_US)
        assert pace.at(NOW_US + 600 * SECOND_US) == NOW_US + 600 * SECOND_US
        assert pace.at(NOW_US + HOUR_US) == NOW_US + HOUR_US
        assert pace.step_us(5 * SECOND_US) == step_s * SECOND_US


class TestFaultsOnRequest:
    @pytest.mark.parametrize("kind", list(DemoFault))
    def test_are_of_the_demo_soon_and_said_in_both_languages(self, kind: DemoFault) -> None:
        faults = faults_of(kind, now_us=NOW_US)
        codes = {row.code for row in point_rows(DEMO)} | {flow.code for flow in DEMO.flows}
        codes |= {gateway.code for gateway in DEMO.gateways} | {m.code for m in DEMO.meters}
        assert {fault.target for fault in faults} <= codes
        assert all(10 <= (f.start_us - NOW_US) / SECOND_US <= 30 for f in faults)
        assert all(fault.start_us % (10 * SECOND_US) == 0 for fault in faults)
        text = announcement(kind, faults)
        assert kind in text
        assert "看" in text
        assert "See" in text or "see" in text

    def test_are_kept_and_noticed(self, tmp_path: Path) -> None:
        file = FaultFile(tmp_path)
        assert file.read() == []
        assert file.has_changed()
        assert not file.has_changed()
        gap, spike = (faults_of(kind, now_us=NOW_US) for kind in (DemoFault.GAP, DemoFault.SPIKE))
        file.add(gap)
        file.add(spike)
        assert file.has_changed()
        assert file.read() == [*gap, *spike]

    def test_describe_an_exchanged_meter_of_the_main_plant_alone(self) -> None:
        faults = faults_of(DemoFault.METER_EXCHANGE, now_us=NOW_US)
        changed = [
            after.tenant
            for before, after in zip(demo_plants(), described_plants(faults), strict=True)
            if before != after
        ]
        assert changed == ["demo"]


class TestLiveReadings:
    def taken(self, outbox: Outbox) -> list[tuple[str, int]]:
        rows = [msgspec.json.decode(m.body)["readings"] for m in outbox.pending(limit_count=9_999)]
        return [(row[0], row[1]) for part in rows for row in part]

    def feeder(self, folder: Path, outbox: Outbox, backlog: Backlog) -> LiveFeeder:
        pace = Pace(1.0, began_us=NOW_US)
        world = World(demo_plants(), folder)
        return LiveFeeder(DEMO, "gw-foundry", outbox, backlog, world, pace, NOW_US)

    def test_of_a_gap_are_sent_as_history_when_it_is_over(self, tmp_path: Path) -> None:
        gap = Fault(
            kind="late",
            target="gw-foundry",
            start_us=NOW_US + 20 * SECOND_US,
            duration_us=30 * SECOND_US,
        )
        FaultFile(tmp_path).add([gap])
        backlog = Backlog(tmp_path / "backlog.json")
        with Outbox.open(tmp_path / "outbox.sqlite") as outbox:
            feeder = self.feeder(tmp_path, outbox, backlog)
            for second in range(5, 65, 5):
                at_us = NOW_US + second * SECOND_US
                feeder.take(at_us, next_us=at_us)
            seconds = {
                (ts - NOW_US // 1_000) // 1_000
                for name, ts in self.taken(outbox)
                if name == "furnace_energy"
            }
        assert seconds == {5, 10, 15, 50, 55, 60}
        assert backlog.spans == [Span(gap.start_us, gap.end_us, 5 * SECOND_US, "gw-foundry")]

    def test_missed_while_the_machine_slept_are_history(self, tmp_path: Path) -> None:
        backlog = Backlog(tmp_path / "backlog.json")
        with Outbox.open(tmp_path / "outbox.sqlite") as outbox:
            feeder = self.feeder(tmp_path, outbox, backlog)
            feeder.take(NOW_US + 2 * HOUR_US, next_us=NOW_US + 5 * SECOND_US)
            assert outbox.pending_count == 0
        [span] = backlog.spans
        assert (span.start_us, span.end_us) == (NOW_US, NOW_US + 2 * HOUR_US + 1)
