"""What the command line does with a database, called as functions."""

import pytest

from deploy import admin
from deploy.access import mosquitto_access_list
from deploy.admin import AddressIncomplete, GatewayUser, PlantNotFound
from services import accounts
from services.store.pool import Database
from services.store.topology import TenantNotFound
from tests.migrated import Migrated, SmallPlant, migrate

P1 = {"code": "P1", "kind": "register", "unit": "kWh"}


class TestBrokerAccess:
    GATEWAYS = (
        GatewayUser(
            "acme.main.gw",
            "nengtan/v1/acme/main/gw/telemetry",
            "nengtan/v1/acme/main/gw",
            "acme",
        ),
        GatewayUser("plc", "plc/line-1", None, "acme"),
    )

    def test_lets_a_gateway_write_its_own_topic_and_read_its_own_receipts(self) -> None:
        access = admin.broker_access(self.GATEWAYS, {})
        ours, foreign = access["acme.main.gw"], access["plc"]
        root = "nengtan/v1/acme/main/gw"
        assert ours.publish == (f"{root}/telemetry", f"{root}/status")
        assert ours.subscribe == (f"{root}/receipt", f"{root}/cmd")
        assert (foreign.publish, foreign.subscribe) == (("plc/line-1",), ())

    def test_lets_the_centre_hear_foreign_topics_too(self) -> None:
        centre = admin.broker_access(self.GATEWAYS, {})[admin.CENTRE_USERNAME]
        assert "plc/line-1" in centre.subscribe
        assert "nengtan/v1/+/+/+/telemetry" in centre.subscribe
        assert "plc/line-1" not in centre.publish

    def test_lets_a_tenants_reader_hear_its_own_values_alone(self) -> None:
        reader = admin.broker_access(self.GATEWAYS, {})["values@acme"]
        assert reader.publish == ()
        assert reader.subscribe == ("nengtan/v1/acme/+/value/+/+",)

    def test_gives_a_password_once_and_keeps_it(self) -> None:
        passwords = {"plc": "known"}
        first = admin.broker_access(self.GATEWAYS, passwords)
        again = admin.broker_access(self.GATEWAYS, passwords)
        assert first["plc"].password == "known"
        assert {n: a.password for n, a in first.items()} == passwords
        assert first == again
        assert len(set(passwords.values())) == 4
        assert min(len(p) for n, p in passwords.items() if n != "plc") >= 32

    def test_names_nobody_else_in_the_list(self) -> None:
        text = mosquitto_access_list(admin.broker_access(self.GATEWAYS, {}))
        users = [line.split()[1] for line in text.splitlines() if line.startswith("user ")]
        assert sorted(users) == ["acme.main.gw", "centre", "plc", "values@acme"]


@pytest.mark.database
class TestOnADatabase:
    @pytest.fixture
    def installed(self, database_url: str) -> Migrated:
        migrated = migrate(database_url)
        migrated.install(SmallPlant().plant(), SmallPlant(tenant="other").plant())
        return migrated

    def test_lists_the_active_gateways_of_every_tenant(self, installed: Migrated) -> None:
        found = installed.run("nengtan_admin", admin.gateway_users)
        assert found == [
            GatewayUser(
                f"{tenant}.main.gw",
                f"nengtan/v1/{tenant}/main/gw/telemetry",
                f"nengtan/v1/{tenant}/main/gw",
                tenant,
            )
            for tenant in ("acme", "other")
        ]

    def test_shows_each_version_of_a_description(self, installed: Migrated) -> None:
        newer = SmallPlant(points=[P1])
        installed.install(newer.plant())

        async def show(database: Database, version: int | None) -> list[str]:
            document = await admin.plant_document(
                database, tenant="acme", site="main", version=version
            )
            return [meter["code"] for meter in document["meters"]]  # type: ignore[attr-defined]

        async def work(database: Database) -> None:
            assert await show(database, None) == ["M-P1"]
            assert await show(database, 1) == ["M-P1", "M-P2"]
            with pytest.raises(PlantNotFound, match=r"acme/main has no such .* versions: 1, 2"):
                await show(database, 3)
            with pytest.raises(PlantNotFound, match="versions: none"):
                await admin.plant_document(database, tenant="acme", site="x", version=None)
            with pytest.raises(TenantNotFound, match="nengtan tenant create"):
                await admin.plant_document(database, tenant="x", site="main", version=None)

        installed.run("nengtan_admin", work)

    def test_makes_a_user_who_can_sign_in(self, installed: Migrated) -> None:
        async def create(database: Database, login: str) -> None:
            await admin.create_user(
                database,
                login=login,
                display_name="Anna",
                password="Correct-Horse-7",
                roles=["viewer"],
            )

        async def work(database: Database) -> None:
            await create(database, "anna@acme")
            with pytest.raises(AddressIncomplete, match="write name@tenant"):
                await create(database, "anna")
            with pytest.raises(AddressIncomplete):
                await create(database, "@acme")

        installed.run("nengtan_admin", work)
        rows = installed.rows(
            "select a.login, t.code, a.roles from account a join tenant t on t.id = a.tenant_id"
        )
        assert rows == [("anna", "acme", ["viewer"])]

    def test_makes_a_key_that_is_kept_as_a_hash_alone(self, installed: Migrated) -> None:
        key = installed.run(
            "nengtan_admin",
            lambda database: admin.create_key(
                database, tenant="acme", name="reader", roles=["viewer"]
            ),
        )
        [row] = installed.rows("select name, roles, key_hash, prefix from api_key")
        assert row[:2] == ("reader", ["viewer"])
        assert key.encode() not in bytes(row[2])
        assert key.startswith(row[3])
        assert len(key) - len(row[3]) > 30

    def test_refuses_roles_that_do_not_exist(self, installed: Migrated) -> None:
        with pytest.raises(accounts.RolesUnknown):
            installed.run(
                "nengtan_admin",
                lambda database: admin.create_key(
                    database, tenant="acme", name="reader", roles=["king"]
                ),
            )
