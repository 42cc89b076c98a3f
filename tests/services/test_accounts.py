import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services import accounts, clock
from services.accounts import Principal, _passwords, _sign_in
from services.refusal import NotFound
from services.store.pool import Database
from tests.api.installation import PASSWORD, Installation, install

pytestmark = pytest.mark.database

AT = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOSS = "boss-quokka@acme"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sign_in, "REFUSAL_S", 0.0)


@pytest.fixture(scope="module")
def installation(module_database_url: str) -> Installation:
    return asyncio.run(install(module_database_url))


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    database = await Database.open(installation.url("nengtan_api"))
    yield database
    await database.close()


@pytest.fixture
def boss(installation: Installation) -> Principal:
    return accounts.command_line(
        tenant_id=installation.a.id, tenant_code="acme", tenant_kind="enterprise"
    )


async def refused(database: Database, password: str, at: datetime, login: str = BOSS) -> bool:
    try:
        await accounts.sign_in(database, login=login, password=password, at=at)
    except accounts.SignInRefused:
        return True
    return False


class TestSignIn:
    async def test_locks_after_five_wrong_tries_for_a_quarter_of_an_hour(
        self, database: Database
    ) -> None:
        for _ in range(5):
            assert await refused(database, "wrong", AT)
        assert await refused(database, PASSWORD, AT)
        assert await refused(database, PASSWORD, AT + 14 * MINUTE)
        assert not await refused(database, PASSWORD, AT + 15 * MINUTE)

    async def test_counts_anew_after_the_lock_and_after_success(self, database: Database) -> None:
        at = AT + timedelta(days=1)
        for _ in range(5):
            assert await refused(database, "wrong", at)
        later = at + 16 * MINUTE
        for _ in range(4):
            assert await refused(database, "wrong", later)
        assert not await refused(database, PASSWORD, later)
        for _ in range(4):
            assert await refused(database, "wrong", later)
        assert not await refused(database, PASSWORD, later)

    async def test_lets_no_more_than_five_tries_pass_at_once(
        self, database: Database, installation: Installation
    ) -> None:
        at = AT + timedelta(days=2)
        count = (
            "select count(*) from change_record where action in ('session.refuse', 'account.lock')"
        )
        before = installation.rows(count)[0][0]
        await asyncio.gather(*(refused(database, f"guess {i}", at) for i in range(20)))
        assert installation.rows(count)[0][0] - before == 5
        assert await refused(database, PASSWORD, at)
        assert not await refused(database, PASSWORD, at + 16 * MINUTE)

    async def test_does_the_same_work_for_the_unknown(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked: list[str | None] = []
        matches = _passwords.matches

        async def noted(password_hash: str | None, password: str) -> bool:
            checked.append(password_hash)
            return await matches(password_hash, password)

        monkeypatch.setattr(_sign_in, "matches", noted)
        for login in ("nobody@acme", "boss-quokka@nowhere", "boss-quokka", "@", ""):
            assert await refused(database, PASSWORD, AT, login)
        assert checked == [None] * 5

    async def test_takes_its_time_to_refuse(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_sign_in, "REFUSAL_S", 0.4)
        started = clock.monotonic()
        assert await refused(database, PASSWORD, AT, "nobody@acme")
        assert clock.monotonic() - started >= 0.4

    async def test_stores_neither_token_nor_password(
        self, database: Database, installation: Installation
    ) -> None:
        at = AT + timedelta(days=3)
        signed_in = await accounts.sign_in(database, login=BOSS, password=PASSWORD, at=at)
        stored = str(installation.rows("select * from session"))
        stored += str(installation.rows("select * from account"))
        assert signed_in.token not in stored
        assert PASSWORD not in stored
        assert "$argon2id$" in stored


class TestRoles:
    async def test_are_not_given_beyond_ones_own(self, database: Database, boss: Principal) -> None:
        clerk = Principal(
            tenant_id=boss.tenant_id,
            tenant_code=boss.tenant_code,
            tenant_kind=boss.tenant_kind,
            actor="clerk@acme",
            roles=(),
            permissions=frozenset({"read", "accounts.write"}),
            expires_at=None,
        )
        with pytest.raises(accounts.RoleNotYours):
            await accounts.create_api_key(
                database, principal=clerk, name="k", roles=["operator"], expires_at=None
            )
        with pytest.raises(accounts.RoleNotYours):
            await accounts.change_account(
                database, principal=clerk, login="boss-quokka", password="Correct-Horse-8"
            )
        made = await accounts.create_api_key(
            database, principal=clerk, name="k", roles=["viewer"], expires_at=None
        )
        assert made.row.created_by == "clerk@acme"

    @pytest.mark.parametrize("roles", [[], ["god"], ["viewer", "god"]])
    async def test_must_exist(self, database: Database, boss: Principal, roles: list[str]) -> None:
        with pytest.raises(accounts.RolesUnknown):
            await accounts.create_api_key(
                database, principal=boss, name="k", roles=roles, expires_at=None
            )

    def test_that_are_unknown_may_nothing(self) -> None:
        assert accounts.permissions_of(["god", ""]) == frozenset()


class TestAccounts:
    async def test_of_another_tenant_are_not_there(
        self, database: Database, boss: Principal
    ) -> None:
        with pytest.raises(NotFound):
            await accounts.change_account(
                database, principal=boss, login="boss-wombat", active=False
            )

    async def test_keep_an_administrator_when_two_leave_at_once(
        self, database: Database, boss: Principal
    ) -> None:
        await accounts.create_account(
            database,
            principal=boss,
            login="second",
            display_name="Second",
            password=PASSWORD,
            roles=["tenant_admin"],
        )
        outcomes = await asyncio.gather(
            *(
                accounts.change_account(database, principal=boss, login=login, active=False)
                for login in ("boss-quokka", "second")
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(one, accounts.AccountInvalid) for one in outcomes) == 1


class TestIdentify:
    @pytest.mark.parametrize("token", ["", "nt_", "ns_", "x" * 1000, "nt_" + "x" * 43, "nt_\ud800"])
    async def test_knows_nobody_of_that_name(self, database: Database, token: str) -> None:
        assert await accounts.identify(database, token) is None
