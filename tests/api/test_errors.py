import httpx
import pytest

from api.app import create_app
from api.errors import KINDS, problem_of
from services.refusal import NotFound, Refusal
from services.store.pool import Database
from tests.api.conftest import new_client
from tests.api.installation import Installation


def subclasses(kind: type[Refusal]) -> set[type[Refusal]]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code"),
        [
            ("GET", "/nowhere", None, 404, "not_found"),
            ("GET", "/sites/nowhere", None, 404, "not_found"),
            ("GET", "/sites/%2e%2e%2fetc", None, 404, "not_found"),
            ("GET", "/sites/a%00b", None, 422, "invalid"),
            ("GET", "/sites?sort=1;drop", None, 422, "unknown_parameter"),
            ("GET", "/sites?limit=1", None, 422, "unknown_parameter"),
            ("GET", "/points?site=x&site=y", None, 422, "invalid"),
            ("GET", "/points?site[]=x", None, 422, "unknown_parameter"),
            ("GET", "/points?site=x&limit=1000000000", None, 422, "invalid"),
            ("GET", "/points?site=x&limit=-1", None, 422, "invalid"),
            ("GET", "/points?site=x&cursor=nonsense", None, 422, "cursor_invalid"),
            ("GET", "/points?site=x&cursor=W251bGxd", None, 422, "cursor_invalid"),
            ("GET", "/points?site=' or 1=1 --", None, 422, "invalid"),
            ("POST", "/accounts", {"login": "x"}, 422, "invalid"),
            ("POST", "/api-keys", {"name": "k", "roles": ["god"]}, 422, "invalid"),
            ("POST", "/api-keys", {"name": "k", "roles": ["viewer"], "id": 1}, 422, "invalid"),
            (
                "POST",
                "/api-keys",
                {"name": "k", "roles": ["viewer"], "tenant_id": 2},
                422,
                "invalid",
            ),
            ("POST", "/api-keys", {"name": "a\u0000b", "roles": ["viewer"]}, 422, "invalid"),
            ("POST", "/api-keys", [], 422, "invalid"),
            ("DELETE", "/api-keys/999999999", None, 404, "not_found"),
            ("DELETE", "/api-keys/x", None, 422, "invalid"),
            ("DELETE", "/api-keys/99999999999999999999", None, 422, "invalid"),
            ("PATCH", "/accounts/nobody", {"active": False}, 404, "not_found"),
        ],
    )
    async def test_say_what_is_wrong(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        body: object,
        status: int,
        code: str,
    ) -> None:
        response = await client.request(method, path, json=body)
        assert response.status_code == status, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == status
        assert problem["code"] == code
        assert problem["type"] == f"urn:nengtan:problem:{code}"
        assert problem["detail"]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem["detail_zh"])

    async def test_name_the_nearest_parameter(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/points", params={"sitte": "x"})
        assert "did you mean 'site'?" in response.json()["detail"]

    async def test_of_broken_json(self, client: httpx.AsyncClient) -> None:
        response = await client.post(
            "/api-keys", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 400

    async def test_of_a_surprise_tell_nothing(self) -> None:
        problem = problem_of(RuntimeError("secret: hunter2"))
        assert problem.code == "internal"
        assert "hunter2" not in problem.detail.en + problem.detail.zh

    async def test_of_a_database_that_is_away_ask_to_come_back(
        self, installation: Installation
    ) -> None:
        database = await Database.open(installation.url("nengtan_api"))
        app = create_app(database=database)
        await database.close()
        async with new_client(app) as client:
            for path in ("/sites", "/health/ready"):
                response = await client.get(path, headers=installation.a.headers)
                assert response.status_code == 503
                assert response.headers["Retry-After"] == "5"
            assert (await client.get("/health/live")).status_code == 200


class TestKinds:
    def test_know_every_refusal_of_the_services(self) -> None:
        assert {kind.code for kind in subclasses(Refusal)} <= set(KINDS)

    def test_give_foreign_and_unknown_the_same_words(self) -> None:
        assert str(NotFound("site")) == str(NotFound("site"))
