"""Messages about alerts, sent to real receivers: each at least once, after its key exactly once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.notify.queue import queue
from services.store import alerts
from services.store.pool import Database
from tests.alert_centre import AlertCentre, channel, forget_alerts, migrated_with_tenant, policy
from tests.migrated import Migrated
from tests.receivers import MailSink, Receiver
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]


@pytest.fixture(scope="module")
def migrated(plain_server: PlainServer) -> Iterator[Migrated]:
    with migrated_with_tenant(plain_server) as migrated:
        yield migrated


@pytest.fixture
async def centre(migrated: Migrated) -> AsyncIterator[AlertCentre]:
    forget_alerts(migrated)
    [(tenant_id,)] = migrated.rows("select id from tenant where code = 'acme'")
    database = await Database.open(migrated.role_url("nengtan_worker"))
    yield AlertCentre(migrated, database, tenant_id)
    await database.close()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


def silence(centre: AlertCentre, name: str, value: str, **span: float) -> None:
    matchers = json.dumps([{"name": name, "value": value, "isRegex": False, "isEqual": True}])
    centre.migrated.rows(
        "insert into alert_silence (tenant_id, matchers, start_at, end_at, comment, created_by)"
        " values (%s, %s, %s, %s, 'works', 'me') returning 1",
        centre.tenant_id,
        matchers,
        centre.clock.at - timedelta(seconds=1),
        centre.clock.at + timedelta(**span),
    )


class TestWebhook:
    async def test_hears_that_it_fires_and_that_it_is_over(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        episode = await centre.fire()
        await centre.resolve(episode)
        await centre.tick()
        assert [one.kind for one in hook.received] == ["firing", "resolved"]
        firing, resolved = (one.event for one in hook.received)
        assert firing["specversion"] == "1.0"
        assert firing["type"] == "cn.nengtan.alert.firing.v1"
        assert firing["subject"] == resolved["subject"] == str(episode)
        assert firing["data"]["labels"]["node"] == "hall"
        assert (firing["data"]["value"], firing["data"]["limit"]) == (120.5, 100.0)
        assert firing["data"]["resolved_at"] is None
        assert resolved["data"]["resolved_at"] is not None
        assert hook.received[0].headers["content-type"].startswith("application/cloudevents+json")
        assert hook.received[0].key == firing["id"] != resolved["id"]
        assert centre.story(episode) == ["delivered", "delivered"]

    async def test_is_signed_with_the_stored_secret_and_not_sent_without(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url, secret="key")))
        await centre.fire()
        await centre.tick()
        assert hook.received == []
        centre.migrated.execute(
            "insert into alert_secret (tenant_id, code, secret, stated_by)"
            f" values ({centre.tenant_id}, 'key', 'of-the-hook', 'me')"
        )
        await centre.pass_time(minutes=1)
        # The secret that was missing is an alert itself, told nobody: there is no other channel.
        assert hook.received[0].headers["webhook-signature"].startswith("v1,")

    @pytest.mark.parametrize(
        "behaviour", ["500", "429:7", "hang", "redirect", "close", "cut", "junk", "400", "401"]
    )
    async def test_that_fails_is_tried_again_with_the_same_key_and_the_same_words(
        self, centre: AlertCentre, hook: Receiver, behaviour: str
    ) -> None:
        """G15: at least once, after the key exactly once, and the end after the beginning."""
        hook.script = [behaviour, behaviour]
        if behaviour == "hang":
            centre.timeout_s = 0.3
            centre.notifier = centre.new_notifier()
        centre.state_policy(policy(channel("hook", url=hook.url)))
        episode = await centre.fire()
        await centre.tick()
        await centre.resolve(episode)
        await centre.pass_time(seconds=4)
        assert len(hook.received) == 1
        for _ in range(4):
            await centre.pass_time(seconds=10)
        assert [one.kind for one in hook.received] == ["firing"] * 3 + ["resolved"]
        assert len({(one.key, one.body) for one in hook.received[:3]}) == 1
        assert list(Counter(one.key for one in hook.taken()).values()) == [1, 1]
        story = centre.story(episode)
        assert story == ["failed", "delivered", "delivered"]

    async def test_that_answers_without_end_was_delivered(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        hook.script = ["endless"]
        centre.state_policy(policy(channel("hook", url=hook.url)))
        await centre.fire()
        await centre.tick()
        assert centre.deliveries() == [("firing", "hook", "delivered")]

    async def test_that_hangs_holds_up_no_other(
        self, centre: AlertCentre, hook: Receiver, other: Receiver
    ) -> None:
        hook.then = "hang"
        urls = [channel("hook", url=hook.url), channel("other", url=other.url)]
        centre.state_policy(policy(*urls, tell=["hook", "other"]))
        for number in range(3):
            await centre.fire(node=f"n{number}")
            await centre.notifier.tick()
        # Sooner than the one that hangs is given up.
        async with asyncio.timeout(4.0):
            while len(other.received) < 3:
                await asyncio.sleep(0.05)
                await centre.notifier.tick()
        assert [one.kind for one in other.received] == ["firing"] * 3
        assert len(hook.received) == 1
        hook.stopping.set()
        await centre.notifier.settle()

    async def test_is_told_once_by_two_notifiers(self, centre: AlertCentre, hook: Receiver) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        for number in range(20):
            await centre.fire(node=f"n{number}")
        second = centre.new_notifier()
        await asyncio.gather(centre.notifier.tick(), second.tick())
        await asyncio.gather(centre.notifier.settle(), second.settle())
        assert sorted(Counter(one.key for one in hook.received).values()) == [1] * 20

    async def test_that_the_policy_lost_gets_nothing_more(
        self, centre: AlertCentre, hook: Receiver, other: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        episode = await centre.fire()
        centre.state_policy(policy(channel("other", url=other.url)))
        await centre.tick()
        assert (hook.received, other.received) == ([], [])
        assert centre.story(episode) == ["abandoned"]


class TestNextChannel:
    async def test_takes_over_after_a_day(
        self, centre: AlertCentre, hook: Receiver, other: Receiver
    ) -> None:
        hook.then = "500"
        urls = [channel("hook", url=hook.url, then="other"), channel("other", url=other.url)]
        centre.state_policy(policy(*urls))
        episode = await centre.fire()
        await centre.tick()
        await centre.pass_time(hours=12)
        await centre.pass_time(hours=11.9)
        assert [(k, c) for k, c, _ in centre.deliveries()] == [
            ("firing", "hook"),
            ("broken", "other"),
        ]
        await centre.resolve(episode)
        await centre.pass_time(hours=0.2)
        assert len({one.key for one in hook.received}) == 1
        fates = centre.deliveries()
        assert ("firing", "hook", "abandoned") in fates
        assert ("resolved", "hook", "abandoned") in fates
        assert ("firing", "other", "delivered") in fates
        assert ("resolved", "other", "delivered") in fates
        told = [one.event["subject"] for one in other.received if one.kind != "firing"]
        assert told == [str(episode)]
        mine = [one.kind for one in other.received if one.event["subject"] == str(episode)]
        assert mine == ["firing", "resolved"]

    @pytest.mark.parametrize("behaviour", ["redirect", "401"])
    async def test_is_told_at_once_that_a_channel_is_broken_for_good(
        self, centre: AlertCentre, hook: Receiver, other: Receiver, behaviour: str
    ) -> None:
        """B128: the redirect is not followed, and people hear of it."""
        hook.script = [behaviour]
        urls = [channel("hook", url=hook.url, then="other"), channel("other", url=other.url)]
        centre.state_policy(policy(*urls))
        await centre.fire()
        await centre.tick()
        [told] = other.received
        assert told.event["data"]["alertname"] == "NotifyChannelBroken"
        assert told.event["data"]["labels"]["channel"] == "hook"
        assert told.event["data"]["texts"]["summary_zh"] == "告警通道故障：通道"
        await centre.pass_time(seconds=6)
        assert [one.kind for one in other.received] == ["firing", "resolved"]
        assert [one.kind for one in hook.taken()] == ["firing"]
        events = centre.migrated.rows("select payload->>'change' from event order by seq")
        assert events == [("fired",), ("resolved",)]

    async def test_hears_of_an_outage_at_the_third_failure_and_once(
        self, centre: AlertCentre, hook: Receiver, other: Receiver
    ) -> None:
        hook.then = "close"
        urls = [channel("hook", url=hook.url), channel("other", url=other.url)]
        steps = [{"tell": ["hook"]}]
        critical = [{"name": "severity", "value": "critical"}]
        routes = [{"matchers": critical, "steps": steps}, {"steps": [{"tell": ["other"]}]}]
        centre.state_policy({**policy(*urls), "routes": routes})
        await centre.fire()
        await centre.tick()
        await centre.pass_time(seconds=6)
        assert other.received == []
        for _ in range(4):
            await centre.pass_time(minutes=2)
        assert [one.event["data"]["alertname"] for one in other.received] == ["NotifyChannelBroken"]

    async def test_that_the_policy_loses_is_broken_no_more(
        self, centre: AlertCentre, hook: Receiver, other: Receiver
    ) -> None:
        hook.then = "401"
        urls = [channel("hook", url=hook.url, then="other"), channel("other", url=other.url)]
        centre.state_policy(policy(*urls))
        await centre.fire()
        await centre.tick()
        centre.state_policy(policy(channel("other", url=other.url)))
        await centre.notifier.keep_up()
        await centre.tick()
        assert [one.kind for one in other.received] == ["firing", "resolved"]


class TestPolicy:
    async def test_that_cannot_be_read_lets_messages_wait(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        await centre.fire()
        centre.state_policy({"schema": "of another time"})
        assert await centre.notifier.tick() == 0
        assert centre.deliveries() == [("firing", "hook", "open")]
        centre.state_policy(policy(channel("hook", url=hook.url)))
        await centre.tick()
        assert centre.deliveries() == [("firing", "hook", "delivered")]


class TestEscalation:
    @pytest.fixture
    def told(self, centre: AlertCentre, hook: Receiver, other: Receiver) -> Receiver:
        urls = [channel("hook", url=hook.url), channel("boss", url=other.url)]
        steps = [{"tell": ["hook"]}, {"after_minutes": 15, "tell": ["boss"]}]
        centre.state_policy({**policy(*urls), "routes": [{"steps": steps}]})
        return other

    async def test_comes_when_nobody_acknowledges(
        self, centre: AlertCentre, told: Receiver
    ) -> None:
        episode = await centre.fire()
        await centre.pass_time(minutes=14)
        assert told.received == []
        await centre.pass_time(minutes=1)
        assert [one.kind for one in told.received] == ["escalation"]
        await centre.resolve(episode)
        await centre.tick()
        assert [one.kind for one in told.received] == ["escalation", "resolved"]
        assert centre.story(episode) == ["delivered", "escalated", "delivered", "delivered"]

    async def test_comes_at_once_when_somebody_asks(
        self, centre: AlertCentre, told: Receiver
    ) -> None:
        episode = await centre.fire()
        await centre.tick()
        async with centre.database.transaction() as connection:
            queued = await queue(
                connection,
                tenant_id=centre.tenant_id,
                episode_id=episode,
                kind="escalation",
                at=centre.clock(),
            )
        await centre.tick()
        assert queued == 1
        assert [one.kind for one in told.received] == ["escalation"]

    async def test_stops_when_somebody_does(self, centre: AlertCentre, told: Receiver) -> None:
        episode = await centre.fire()
        await centre.tick()
        await centre.acknowledge(episode)
        await centre.pass_time(minutes=20)
        await centre.resolve(episode)
        await centre.tick()
        assert told.received == []
        assert centre.deliveries()[1] == ("escalation", "boss", "abandoned")

    async def test_stops_when_it_is_over(self, centre: AlertCentre, told: Receiver) -> None:
        episode = await centre.fire()
        await centre.tick()
        await centre.resolve(episode)
        await centre.pass_time(minutes=20)
        assert told.received == []
        assert {fate for _, _, fate in centre.deliveries()} == {"delivered", "abandoned"}


class TestSilence:
    async def test_holds_what_matches_until_it_ends(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        silence(centre, "node", "hall", hours=2)
        episode = await centre.fire(node="hall")
        await centre.fire(node="yard")
        await centre.tick()
        assert [one.event["data"]["labels"]["node"] for one in hook.received] == ["yard"]
        for _ in range(5):
            await centre.pass_time(minutes=2)
        assert centre.story(episode) == ["silenced"]
        await centre.pass_time(hours=2)
        assert len(hook.received) == 2
        assert centre.story(episode) == ["silenced", "delivered"]

    async def test_that_is_ended_early_lets_go_within_a_minute(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        silence(centre, "node", "hall", hours=2)
        await centre.fire()
        await centre.tick()
        centre.migrated.execute(f"update alert_silence set expired_at = '{centre.clock.at}'")
        await centre.pass_time(seconds=61)
        assert [one.kind for one in hook.received] == ["firing"]

    async def test_tells_nothing_of_what_came_and_went_in_it(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        silence(centre, "node", "hall", hours=2)
        episode = await centre.fire()
        await centre.tick()
        await centre.resolve(episode)
        await centre.pass_time(hours=3)
        assert hook.received == []
        assert centre.story(episode) == ["silenced", "abandoned", "abandoned"]

    async def test_does_not_hide_the_end_of_what_was_told(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url)))
        episode = await centre.fire()
        await centre.tick()
        silence(centre, "node", "hall", hours=2)
        await centre.resolve(episode)
        await centre.tick()
        assert [one.kind for one in hook.received] == ["firing", "resolved"]


class TestStorm:
    async def test_becomes_one_summary(self, centre: AlertCentre, hook: Receiver) -> None:
        """B115: what one minute brings beyond the limit is told together."""
        centre.state_policy(policy(channel("hook", url=hook.url, alerts_per_minute=3)))
        episodes = [await centre.fire(node=f"n{number}") for number in range(10)]
        await centre.tick()
        await centre.fire(node="late")
        await centre.pass_time(seconds=30)
        assert [one.kind for one in hook.received] == ["firing"] * 3
        await centre.resolve(episodes[-1])
        await centre.tick()
        await centre.pass_time(seconds=31)
        kinds = [one.kind for one in hook.received]
        assert kinds == ["firing"] * 3 + ["summary"]
        data = hook.received[-1].event["data"]
        assert data["count"] == 9
        assert {(line["kind"], line["count"]) for line in data["lines"]} == {
            ("firing", 8),
            ("resolved", 1),
        }
        assert centre.story(episodes[-1]) == ["delivered", "delivered"]
        # The minute is over: what comes now is told by itself again.
        await centre.resolve(episodes[0])
        await centre.pass_time(seconds=61)
        assert [one.kind for one in hook.received][4:] == ["resolved"]

    async def test_of_hundreds_is_a_few_messages(self, centre: AlertCentre, hook: Receiver) -> None:
        centre.state_policy(policy(channel("hook", url=hook.url, alerts_per_minute=2)))
        for number in range(200):
            await centre.fire(node=f"n{number}")
        await centre.tick()
        await centre.pass_time(seconds=61)
        assert [one.kind for one in hook.received] == ["firing", "firing", "summary"]
        assert hook.received[-1].event["data"]["count"] == 198


class TestHeartbeat:
    async def test_tells_an_outside_watcher_while_rules_are_evaluated(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        document = {"schema": "nengtan.alert-policy/1", "heartbeat_url": hook.url}
        centre.state_policy(document)

        async def look(**span: float) -> int:
            centre.clock.at += timedelta(**span)
            await centre.notifier.keep_up()
            await centre.notifier.settle()
            return len(hook.received)

        assert await look() == 0  # nothing was evaluated yet
        centre.migrated.execute(
            "insert into alert_heartbeat (tenant_id, name, at)"
            f" values ({centre.tenant_id}, 'evaluated', '{centre.clock.at}')"
        )
        assert await look(seconds=1) == 1
        assert await look(seconds=58) == 1
        assert await look(seconds=2) == 2
        # Rules are not evaluated any more: silence is the alarm.
        assert await look(seconds=70) == 2
        assert hook.received[0].method == "GET"
        names = centre.migrated.rows("select name from alert_heartbeat order by name")
        assert names == [("delivered",), ("evaluated",), ("watched",)]


class TestAlertmanager:
    async def test_outside_is_told_at_once_again_and_of_the_end(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        root = hook.url.removesuffix("/hook")
        centre.state_policy(policy(channel("am", "alertmanager", url=root)))
        episode = await centre.fire(node="a")
        await centre.fire(node="b")
        await centre.tick()
        [got] = hook.received
        assert got.target == "/api/v2/alerts"
        sent: list[dict[str, Any]] = json.loads(got.body)
        assert [alert["labels"]["node"] for alert in sent] == ["a", "b"]
        assert sent[0]["annotations"]["summary"] == "a 超限 / a over its limit"
        assert sent[0]["generatorURL"] == f"https://centre.example.com/alerts/{episode}"
        centre.clock.at += timedelta(seconds=61)
        await centre.notifier.keep_up()
        await centre.notifier.settle()
        again = json.loads(hook.received[1].body)
        assert [alert["labels"]["node"] for alert in again] == ["a", "b"]
        assert again[0]["startsAt"] == sent[0]["startsAt"]
        assert again[0]["endsAt"] > sent[0]["endsAt"]
        await centre.resolve(episode)
        await centre.tick()
        [last] = json.loads(hook.received[2].body)
        assert last["labels"]["node"] == "a"
        assert last["endsAt"] < again[0]["endsAt"]


class TestPeople:
    @pytest.fixture
    def sink(self) -> Iterator[MailSink]:
        with MailSink().running() as sink:
            yield sink

    @pytest.fixture
    def mailing(self, centre: AlertCentre, sink: MailSink) -> AlertCentre:
        centre.mail_port = sink.port
        centre.notifier = centre.new_notifier()
        return centre

    async def test_get_a_mail_in_both_languages(self, mailing: AlertCentre, sink: MailSink) -> None:
        to = ["a@example.com", "b@example.com"]
        mailing.state_policy(policy(channel("mail", "mail", to=to)))
        episode = await mailing.fire()
        await mailing.tick()
        [mail] = sink.mails
        assert sink.recipients == [to]
        assert mail["Subject"] == "[严重 critical] 告警 firing: hall 超限 / hall over its limit"
        text = mail.get_content()
        assert "数值 value 120.5，限值 limit 100 kW" in text
        assert f"https://centre.example.com/alerts/{episode}" in text
        assert mail["Message-ID"].endswith("@nengtan>")

    async def test_get_the_alerts_of_a_group_in_one_mail(
        self, mailing: AlertCentre, sink: MailSink
    ) -> None:
        mailing.state_policy(policy(channel("mail", "mail", to=["a@example.com"])))
        for number in range(5):
            await mailing.fire(node=f"n{number}")
        await mailing.fire("Other")
        await mailing.tick()
        subjects = sorted(mail["Subject"] for mail in sink.mails)
        assert len(subjects) == 2
        assert "（共 5 条 / 5 alerts）" in subjects[0] + subjects[1]

    async def test_sleep_in_quiet_hours(self, mailing: AlertCentre, sink: MailSink) -> None:
        quiet = [{"from": "09:00", "to": "12:00"}]
        document = policy(channel("mail", "mail", to=["a@example.com"]), quiet_hours=quiet)
        mailing.state_policy(document)
        first = await mailing.fire(severity="warning")
        second = await mailing.fire("Other", severity="warning")
        await mailing.fire("Worse")
        await mailing.tick()
        assert len(sink.mails) == 1
        await mailing.resolve(first)
        await mailing.pass_time(hours=2)
        assert len(sink.mails) == 2
        assert mailing.story(first) == ["held", "abandoned", "abandoned"]
        assert mailing.story(second) == ["held", "delivered"]

    @pytest.mark.parametrize(
        ("refusals", "said", "count"),
        [
            (["550 no such"], "recipients refused: a@example.com", 0),
            (["250 fine", "550 no such"], "", 1),
        ],
    )
    async def test_that_a_server_refuses_are_named(
        self, mailing: AlertCentre, sink: MailSink, refusals: list[str], said: str, count: int
    ) -> None:
        sink.refusals = refusals
        to = ["a@example.com", "b@example.com"][: len(refusals)]
        mailing.state_policy(policy(channel("mail", "mail", to=to)))
        await mailing.fire()
        await mailing.tick()
        assert len(sink.mails) == count
        [(problem,)] = mailing.migrated.rows(
            "select problem from alert_delivery where kind = 'firing'"
        )
        assert said in problem

    async def test_are_not_told_by_mail_where_there_is_no_server(self, centre: AlertCentre) -> None:
        centre.state_policy(policy(channel("mail", "mail", to=["a@example.com"])))
        await centre.fire()
        await centre.tick()
        [(problem,)] = centre.migrated.rows(
            "select problem from alert_delivery where kind = 'firing'"
        )
        assert "set NENGTAN_MAIL_HOST" in problem


class TestRetention:
    async def test_forgets_what_ended_long_ago_and_keeps_the_story(
        self, centre: AlertCentre, hook: Receiver
    ) -> None:
        document = policy(channel("hook", url=hook.url, alerts_per_minute=2))
        centre.state_policy(document)
        over = [await centre.fire(node=f"n{number}") for number in range(4)]
        still = await centre.fire(node="still")
        await centre.tick()
        await centre.pass_time(seconds=61)
        for episode in over:
            await centre.resolve(episode)
        await centre.tick()
        await centre.pass_time(seconds=61)
        told = len(centre.deliveries())
        assert await trim(centre, days=399) == 0
        assert len(centre.deliveries()) == told
        # A channel that is away: what waits is not over, however old it is.
        hook.then = "close"
        waiting = await centre.fire(node="waiting")
        await centre.resolve(waiting)
        await centre.tick()
        left = [
            ("firing", still, False),
            ("firing", waiting, True),
            ("resolved", waiting, True),
        ]
        await trim(centre, days=401)
        rows = centre.migrated.rows(
            "select kind, episode_id, delivered_at is null and summary_id is null"
            " from alert_delivery where kind <> 'summary' order by id"
        )
        assert rows == left
        # The summary that told of what still fires is kept with it.
        summaries = centre.migrated.rows(
            "select count(*) from alert_delivery where kind = 'summary'"
        )
        assert summaries == [(1,)]
        assert "delivered" in centre.story(over[0])
        assert centre.migrated.rows("select count(*) from alert_episode") == [(6,)]

    async def test_takes_so_many_at_a_time(
        self, centre: AlertCentre, hook: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(alerts, "_TRIMMED_MAX", 2)
        centre.state_policy(policy(channel("hook", url=hook.url)))
        for number in range(3):
            await centre.resolve(await centre.fire(node=f"n{number}"))
        await centre.tick()
        assert [await trim(centre, days=401) for _ in range(4)] == [2, 2, 2, 0]
        assert centre.deliveries() == []


async def trim(centre: AlertCentre, *, days: float) -> int:
    async with centre.database.transaction() as connection:
        at = centre.clock() + timedelta(days=days)
        return await alerts.trim_deliveries(connection, at=at)
