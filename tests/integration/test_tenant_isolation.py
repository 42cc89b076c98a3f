"""One tenant asks for everything of another, by every route, and sees no trace of it.

Everything that tenant B owns carries the word "wombat" or a number that occurs nowhere else.
"""

import itertools
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.security import OPEN_ROUTES
from services.accounts import ROLE_PERMISSIONS
from services.store.pool import Database
from tests.api.installation import PERIOD, Installation, document
from tests.servers import DatabaseServer, best_server
from tests.services.tariffs import flat

pytestmark = pytest.mark.database

# Streams do not end: tests/api/test_events.py holds that they carry one tenant only.
STREAMS = {"/api/v1/events"}


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Give one tier: that rows are hidden on both is asked of the roles (test_database_roles)."""
    return best_server(request)


@pytest.fixture
async def app(installation: Installation) -> AsyncIterator[FastAPI]:
    database = await Database.open(installation.url("nengtan_api"))
    yield create_app(database=database)
    await database.close()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
        yield client


def canaries(installation: Installation) -> list[str]:
    """Return what belongs to B alone, as it could appear in text."""
    b = installation.b
    hashes = installation.rows(
        "select encode(sha256, 'hex') from plant_version where tenant_id = %s", b.id
    )
    results = installation.rows(
        "select distinct r.amount from result r join series s on s.id = r.series_id"
        " where s.tenant_id = %s and r.amount > 300",
        b.id,
    )
    keys = [key[:11] for key in b.keys.values()]
    return ["wombat", "777.125", *keys, *(h for (h,) in hashes), *(repr(v) for (v,) in results)]


# Drawn once: it takes seconds.
_description: dict[str, Any] = {}


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if not _description:
        _description.update(app.openapi())
    for path, item in _description["paths"].items():
        for method, operation in item.items():
            if path not in STREAMS and (method.upper(), path) not in OPEN_ROUTES:
                yield method.upper(), path, operation


def number_of(
    installation: Installation, table: str, insert: str, parameters: Sequence[object]
) -> int:
    """Return the number of B's one row of a table, made if it is not there."""
    query = f"select id from {table} where tenant_id = %s"
    if not installation.rows(query, installation.b.id):
        installation.execute(insert, *parameters)
    [(number,)] = installation.rows(query, installation.b.id)
    return int(number)


def import_of(installation: Installation) -> int:
    """Return the number of an import of B that waits for someone's decision."""
    insert = (
        "with g as ("
        " insert into gateway (tenant_id, site_id, code, form, class, topic, username)"
        " select %s, id, '@import', 'import', 'import', 'import/wombat', '' from site"
        "  where tenant_id = %s returning id, site_id)"
        " insert into file_import (tenant_id, site_id, gateway_id, kind, state, file_name,"
        "  size_bytes, sha256, options, uploaded_at, uploaded_by)"
        " select %s, site_id, id, 'readings', 'checked', 'wombat.csv', 1, '', '{}', now(),"
        "  'wombat' from g"
    )
    return number_of(installation, "file_import", insert, (installation.b.id,) * 3)


def fact_of(installation: Installation) -> int:
    """Return the number of a dated fact of B."""
    b = installation.b
    insert = (
        "insert into meter_fact (tenant_id, site_id, kind, code, valid_from, fact, created_by)"
        " select tenant_id, id, 'change', %s, '2025-03-01Z', '{}', 'wombat' from site"
        " where tenant_id = %s"
    )
    return number_of(installation, "meter_fact", insert, (f"P1-{b.word}", b.id))


def decision_of(installation: Installation) -> int:
    """Return the number of a decision of B."""
    insert = (
        "insert into decision (tenant_id, site_id, series_id, kind, check_name, start_ts,"
        "  end_ts, at, reason, decided_by, decided_at)"
        " select tenant_id, site_id, id, 'accept', 'spike', '2025-03-01Z', '2025-03-02Z', '{}',"
        "  'wombat', 'wombat', now() from series where tenant_id = %s limit 1"
    )
    return number_of(installation, "decision", insert, (installation.b.id,))


def alert_of(installation: Installation) -> int:
    """Return the number of an alert of B."""
    insert = (
        "insert into alert_episode (tenant_id, fingerprint, group_code, rule, revision, severity,"
        " labels, texts, active_at, fired_at, unit)"
        " values (%s, 1, 'wombat', 'wombat', 1, 'info', '{}', '{}', now(), now(), '')"
    )
    return number_of(installation, "alert_episode", insert, (installation.b.id,))


def silence_of(installation: Installation) -> str:
    """Return the number of a silence of B, beside a policy and a secret."""
    b = installation.b
    query = "select id::text from alert_silence where tenant_id = %s"
    if not installation.rows(query, b.id):
        installation.execute(
            "with s as (insert into alert_secret (tenant_id, code, secret, stated_by)"
            " values (%s, %s, 'wombat', 'wombat') returning tenant_id)"
            ", p as (insert into alert_document (tenant_id, kind, code, revision, document, sha256,"
            " stated_by) select tenant_id, 'policy', 'policy', 1,"
            " '{\"schema\": \"nengtan.alert-policy/1\"}', '', 'wombat' from s returning tenant_id)"
            " insert into alert_silence (tenant_id, matchers, start_at, end_at, comment,"
            " created_by)"
            " select tenant_id, '[]', now(), now() + interval '1 day', 'wombat', 'wombat' from p",
            b.id,
            f"channel-{b.word}",
        )
    [(number,)] = installation.rows(query, b.id)
    return str(number)


def names_of(installation: Installation, *, known: bool) -> dict[str, list[str]]:
    """Return what to put into each parameter: names of B, or names of nobody."""
    if not known:
        return {
            "site": ["site-nobody"],
            "login": ["boss-nobody"],
            "key_id": ["2000000000"],
            "quarantine_id": ["2000000000"],
            "import_id": ["2000000000"],
            "point": ["P1-nobody"],
            "meter": ["M1-nobody"],
            "fact": ["2000000000"],
            "decision_id": ["2000000000"],
            "factor_id": ["nothing@nowhere"],
            "number": ["2000000000"],
            "alert": ["2000000000"],
            "group": ["nobody"],
            "silence_id": ["00000000-0000-0000-0000-000000000000"],
            "code": ["nobody"],
        }
    b = installation.b
    return {
        "site": [b.site],
        "login": [f"boss-{b.word}"],
        "key_id": [str(b.key_id)],
        "quarantine_id": [str(b.quarantine_id)],
        "import_id": [str(import_of(installation))],
        "point": [f"P1-{b.word}"],
        "meter": [f"M1-{b.word}"],
        "fact": [str(fact_of(installation))],
        "decision_id": [str(decision_of(installation))],
        "factor_id": ["nothing@nowhere"],
        "number": ["2000000000"],
        "alert": [str(alert_of(installation))],
        "group": ["wombat"],
        "silence_id": [silence_of(installation)],
        "code": [f"channel-{b.word}"],
    }


QUERY_VALUES = {
    **PERIOD,
    "interval": "day",
    "node": "plant",
    "unit": "kWh",
    "object_kind": "account",
    "version": "1",
    "carrier": "electricity",
    "valid_from": "2024-01-01",
    "state": "open",
    "reviewed": "false",
    "kind": "flow",
    "name": "a.csv",
}
BODIES: dict[str, dict[str, Any]] = {
    "change_account": {"display_name": "taken over"},
    "create_account": {
        "login": "newcomer",
        "display_name": "x",
        "password": "Correct-Horse-7",
        "roles": ["viewer"],
    },
    "create_api_key": {"name": "k", "roles": ["viewer"]},
    "review_conflict": {
        "site": "{site}",
        "point": "P1-{word}",
        "ts": PERIOD["start"],
        "reason": "x",
    },
    "redrive_quarantine": {"reason": "x"},
    "discard_quarantine": {"reason": "x"},
    "add_point_change": {"from": "2025-03-01T00:00:00Z", "multiplier": 2, "reason": "x"},
    "add_meter_calibration": {
        "certificate": "x",
        "calibrated_on": "2025-01-01",
        "due": "2026-01-01",
    },
    "withdraw_meter_fact": {"reason": "x"},
    "decide_finding": {
        "site": "{site}",
        "subject": "P1-{word}",
        "check": "spike",
        "start": PERIOD["start"],
        "end": PERIOD["end"],
        "verdict": "accept",
        "reason": "x",
    },
    "correct_reading": {
        "site": "{site}",
        "point": "P1-{word}",
        "ts": PERIOD["start"],
        "value": 1.0,
        "reason": "x",
    },
    "undo_decision": {"reason": "x"},
    "acknowledge_alert": {"note": "x"},
    "comment_alert": {"note": "x"},
    "assign_alert": {"to": "x"},
    "state_budget": {
        "quantity": "energy_kwh",
        "period": "day",
        "start": PERIOD["start"],
        "amount": 1.0,
        "reason": "x",
    },
    "state_tariff": flat(1.0),
    "take_import": {"sha256": "0" * 64},
    "undo_import": {"reason": "x"},
    "confirm_factor": {"reason": "x"},
    "change_own_password": {"current": "x", "password": "Correct-Horse-7"},
    "add_own_factor": {
        "carrier": "diesel",
        "parameter": "ncv",
        "value": 1.0,
        "unit": "GJ/t",
        "valid_from": "2025-01-01",
        "source": "x",
    },
}


def requests_of(
    operation: dict[str, Any], method: str, path: str, names: dict[str, list[str]], word: str
) -> Iterator[httpx.Request]:
    """Yield requests of an operation with the names in every place that has one."""
    parameters = operation.get("parameters", [])
    in_path = [p["name"] for p in parameters if p["in"] == "path"]
    in_query = [p["name"] for p in parameters if p["in"] == "query"]
    for values in itertools.product(*(names[name] for name in in_path)):
        address = path
        for name, value in zip(in_path, values, strict=True):
            address = address.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
        query = {name: names[name][0] for name in in_query if name in names}
        query |= {name: QUERY_VALUES[name] for name in in_query if name in QUERY_VALUES}
        body = BODIES.get(operation["operationId"])
        if operation["operationId"] in {"check_plant", "apply_plant"}:
            body = document("bolt", names["site"][0], word)
        if body is not None:
            text = json.dumps(body).replace("{word}", word).replace("{site}", names["site"][0])
            body = json.loads(text)
        if operation["operationId"] == "query_energy":
            del query["point"]  # one of node, flow, point and so on
        known = set(in_query)
        yield httpx.Request(
            method,
            f"http://centre{address}",
            params={name: value for name, value in query.items() if name in known},
            json=body if method in {"POST", "PUT", "PATCH"} else None,
        )


class TestForeignTenant:
    @pytest.mark.parametrize("role", sorted(ROLE_PERMISSIONS))
    async def test_leaves_no_trace_in_any_answer(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation, role: str
    ) -> None:
        forbidden = canaries(installation)
        assert len(forbidden) > 10
        names = names_of(installation, known=True)
        asked = 0
        for method, path, operation in operations(app):
            if operation["operationId"] in {"create_account", "add_own_factor", "sign_out"}:
                continue  # they make something of A's own
            accepted = ("application/json", "text/csv") if method == "GET" else ("*/*",)
            for request in requests_of(operation, method, path, names, installation.b.word):
                for accept in accepted:
                    request.headers.update({**installation.a.bearing(role), "Accept": accept})
                    response = await client.send(request)
                    said = request.url.query.decode() + request.url.path + str(request.content)
                    found = [
                        word for word in forbidden if word in response.text and word not in said
                    ]
                    assert not found, (request.method, request.url, found)
                    assert response.status_code < 500
                    asked += 1
        assert asked > 60

    async def test_is_as_unknown_as_nobody(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        names = [
            (installation.b.word, names_of(installation, known=True)),
            ("nobody", names_of(installation, known=False)),
        ]
        compared = 0
        for method, path, operation in operations(app):
            if operation["operationId"] in {"create_account", "add_own_factor", "check_plant"}:
                continue
            answers = []
            for word, of_word in names:
                for request in requests_of(operation, method, path, of_word, word):
                    request.headers.update(installation.a.headers)
                    response = await client.send(request)
                    text = response.text.replace(word, "").replace(installation.a.word, "")
                    answers.append((response.status_code, text))
            if answers[0][0] >= 400:
                assert answers[0] == answers[1], (method, path)
                compared += 1
            names_asked = {p["name"] for p in operation.get("parameters", [])}
            if operation["operationId"] in {"list_alerts", "list_alert_history", "export_alerts"}:
                continue  # the site only narrows what is listed: of a strange one, to nothing
            if names_asked & {
                "site",
                "login",
                "key_id",
                "quarantine_id",
                "import_id",
                "fact",
                "decision_id",
                "alert",
                "silence_id",
            }:
                status = 422 if operation["operationId"] == "apply_plant" else 404
                assert answers[0][0] == status, (method, path, answers[0])
        assert compared > 15

    async def test_keeps_what_it_has(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        tables = "plant_version account api_key factor_override factor_confirmation conflict"
        tables += " quarantine_item session dirty file_import import_withdrawal"
        tables += " meter_fact decision tariff_version alert_secret alert_silence alert_document"

        def picture() -> list[tuple[Any, ...]]:
            return [
                row
                for table in tables.split()
                for row in installation.rows(
                    f"select * from {table} where tenant_id = %s order by 1, 2",
                    installation.b.id,
                )
            ]

        before = picture()
        assert len(before) > 10
        names = names_of(installation, known=True)
        for method, path, operation in operations(app):
            if method == "GET":
                continue
            for request in requests_of(operation, method, path, names, installation.b.word):
                request.headers.update(installation.a.bearing("system_admin"))
                if operation["operationId"] != "sign_out":
                    await client.send(request)
        assert picture() == before

    async def test_is_nothing_to_the_anonymous(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        names = names_of(installation, known=True)
        for method, path, operation in operations(app):
            for request in requests_of(operation, method, path, names, installation.b.word):
                response = await client.send(request)
                assert response.status_code == 401, (method, path)


class TestPark:
    async def test_sees_sums_of_members_only_while_they_consent(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        park, a, b = installation.park, installation.a, installation.b

        async def seen() -> set[str]:
            found = set()
            for interval in ("day", "month"):
                period = {"start": "2025-02-28T16:00:00Z", "end": "2025-03-31T16:00:00Z"}
                response = await client.get(
                    "/api/v1/park",
                    params={**period, "interval": interval},
                    headers=park.bearing("park_operator"),
                )
                assert response.status_code == 200, response.text
                found |= {row["member_code"] for row in response.json()["rows"]}
                assert "P1-" not in response.text
                assert "flow" not in response.text
            return found

        assert await seen() == set()
        for member in (a, b):
            installation.execute(
                "insert into park_member (tenant_id, member_code, valid_from)"
                " values (%s, %s, '2025-01-01Z')",
                park.id,
                member.code,
            )
        assert await seen() == set()
        installation.execute(
            "insert into park_consent (tenant_id, park_code, valid_from)"
            " values (%s, 'park-zebra', '2025-01-01Z')",
            a.id,
        )
        assert await seen() == {"acme"}
        installation.execute(
            "update park_consent set valid_to = '2025-02-01Z' where tenant_id = %s", a.id
        )
        assert await seen() == set()

    async def test_gets_nothing_of_a_member_elsewhere(
        self, app: FastAPI, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        forbidden = canaries(installation)
        names = names_of(installation, known=True)
        for method, path, operation in operations(app):
            if method != "GET" or operation["operationId"] == "query_park":
                continue
            for request in requests_of(operation, method, path, names, installation.b.word):
                request.headers.update(installation.park.bearing("system_admin"))
                response = await client.send(request)
                said = str(request.url)
                assert not [w for w in forbidden if w in response.text and w not in said]


class TestNames:
    """Last, for it gives A a word of B."""

    async def test_of_logins_may_be_taken_in_each_tenant(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        body = {
            "login": "boss-wombat",
            "display_name": "Same name",
            "password": "Correct-Horse-7",
            "roles": ["viewer"],
        }
        response = await client.post("/api/v1/accounts", json=body, headers=installation.a.headers)
        assert response.status_code == 201
