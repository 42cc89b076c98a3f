"""Grafana's role of a tenant: what it sees, what it may do, and for how long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from compute.quality import Quality, grade
from deploy import admin
from services.store import roles
from services.store.topology import TenantNotFound
from tests.migrated import START, Migrated, SmallPlant, migrate
from tests.services.test_store_lint import GRAFANA_VIEWS

pytestmark = pytest.mark.database

PASSWORD = "of-grafana"
GRADES = {0: "good", 1: "uncertain", 2: "bad"}


@contextmanager
def as_role(migrated: Migrated, role: str) -> Iterator[psycopg.Connection]:
    url = migrated.role_url(role).replace("of-every-service-role", PASSWORD)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def installed(module_database_url: str) -> Migrated:
    migrated = migrate(module_database_url)
    plants = SmallPlant(), SmallPlant(tenant="other", site="elsewhere")
    migrated.install(*(plant.plant() for plant in plants))
    for plant in plants:
        at = START + timedelta(minutes=1)
        migrated.ingest([plant.delivery([("P1", at, 1.0), ("none", at, 1.0)], seq=2)], at=at)
    return migrated


def role_of(migrated: Migrated, tenant: str) -> str:
    return asyncio.run(admin.put_grafana_role(migrated.url, tenant=tenant, password=PASSWORD))


class TestTheRole:
    def test_sees_its_own_tenant_alone(self, installed: Migrated) -> None:
        for tenant, site in (("acme", "main"), ("other", "elsewhere")):
            with as_role(installed, role_of(installed, tenant)) as connection:
                seen = {
                    view: {
                        site for (site,) in connection.execute(f"select distinct site from {view}")
                    }
                    for view in GRAFANA_VIEWS
                }
            empty = {"grafana_conflict", "grafana_product", "grafana_result"}
            assert {view for view, sites in seen.items() if not sites} == empty
            assert {site for sites in seen.values() for site in sites} == {site}

    def test_cannot_become_another(self, installed: Migrated) -> None:
        other = role_of(installed, "other")
        with as_role(installed, role_of(installed, "acme")) as connection:
            for name in (other, *roles.SERVICE_ROLES):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"set role {name}")
            connection.execute("set nengtan.tenant = '2'")
            assert connection.execute("select site from grafana_site").fetchall() == [("main",)]
            connection.execute("set role nengtan_grafana")
            assert connection.execute("select site from grafana_site").fetchall() == []

    def test_touches_nothing_but_the_views(self, installed: Migrated) -> None:
        with as_role(installed, role_of(installed, "acme")) as connection:
            relations = connection.execute(
                "select c.oid::regclass::text from pg_class c"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')"
                " and not exists (select from pg_depend d where d.objid = c.oid"
                "   and d.deptype = 'e')"
                " and has_table_privilege(c.oid,"
                " 'select, insert, update, delete, truncate, references, trigger')"
            ).fetchall()
            assert {name for (name,) in relations} == GRAFANA_VIEWS
            for right in ("insert", "update", "delete"):
                row = connection.execute(
                    "select bool_or(has_table_privilege(v, %s)) from unnest(%s::text[]) v",
                    (right, list(GRAFANA_VIEWS)),
                ).fetchone()
                assert row == (False,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select * from last_received()")

    def test_reads_and_does_not_wait_for_ever(self, installed: Migrated) -> None:
        name = role_of(installed, "acme")
        [row] = installed.rows(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,"
            " rolconnlimit from pg_roles where rolname = %s",
            name,
        )
        assert row == (False, False, False, False, False, 20)
        with as_role(installed, name) as connection:
            for setting, value in (
                ("default_transaction_read_only", "on"),
                ("statement_timeout", "30s"),
                ("lock_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "1min"),
                ("timezone", "UTC"),
            ):
                found = connection.execute("select current_setting(%s)", (setting,)).fetchone()
                assert found == (value,), setting
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("create temporary table t ()")

    def test_keeps_its_name_and_takes_the_new_password(self, installed: Migrated) -> None:
        before = role_of(installed, "acme")
        again = asyncio.run(admin.put_grafana_role(installed.url, tenant="acme", password="new"))
        assert again == before
        with pytest.raises(psycopg.OperationalError, match="password"), as_role(installed, before):
            pass
        assert role_of(installed, "acme") == before
        with as_role(installed, before):
            pass

    def test_is_of_a_tenant_that_exists(self, installed: Migrated) -> None:
        with pytest.raises(TenantNotFound):
            role_of(installed, "nobody")

    def test_is_made_by_the_owner_alone(self, installed: Migrated) -> None:
        url = installed.role_url("nengtan_admin")
        with pytest.raises(roles.RoleRefused, match="owner"):
            asyncio.run(admin.put_grafana_role(url, tenant="other", password=PASSWORD))

    def test_needs_the_schema(self, database_url: str) -> None:
        with pytest.raises(roles.RoleRefused, match="nengtan database upgrade"):
            asyncio.run(admin.put_grafana_role(database_url, tenant="acme", password=PASSWORD))


class TestTheViews:
    def test_name_things_in_both_languages(self, installed: Migrated) -> None:
        with as_role(installed, role_of(installed, "acme")) as connection:
            [row] = connection.execute(
                "select name_zh, name_en, label from grafana_site"
            ).fetchall()
            assert row == ("名称", "Name", "名称 Name")
            carriers = connection.execute(
                "select distinct carrier, carrier_label from grafana_flow"
            ).fetchall()
            assert carriers == [("electricity", "电力 Electricity")]

    def test_grade_as_the_bench_does(self, installed: Migrated) -> None:
        masks = [0, *Quality, *(one | other for one in Quality for other in Quality)]
        [(definition,)] = installed.rows("select pg_get_viewdef('grafana_result'::regclass)")
        expression = definition[
            definition.index("CASE\n            WHEN (((r.quality & 10878977)") :
        ]
        expression = expression[: expression.index("END") + 3]
        with psycopg.connect(installed.url) as connection:
            found = connection.execute(
                f"select r.quality, {expression} from unnest(%s::integer[]) as r (quality)",
                ([int(mask) for mask in masks],),
            ).fetchall()
        assert {mask: GRADES[number] for mask, number in found} == {
            int(mask): grade(int(mask)) for mask in masks
        }
        invalid = int(Quality.FACTOR_MISSING | Quality.UNDEFINED)
        assert f"r.quality & {invalid}" in definition
