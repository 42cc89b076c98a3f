from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.page import VIEWS
from services.store.pool import Database
from tests.debian import PROJECT

DOCUMENT = b"<!doctype html><title>the page</title>"
SCRIPT = b"export const answer = 42;"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a built page, with a secret beside it."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_bytes(DOCUMENT)
    (dist / "mark.svg").write_bytes(b"<svg/>")
    (dist / ".complete").touch()
    script = dist / "assets" / "index-abc123.js"
    script.write_bytes(SCRIPT)
    script.with_name(script.name + ".br").write_bytes(b"br of it")
    script.with_name(script.name + ".gz").write_bytes(b"gz of it")
    (tmp_path / "secret.txt").write_text("secret")
    return dist


@pytest.fixture
def browser(database: Database) -> Callable[[Path | None], httpx.AsyncClient]:
    def opened(folder: Path | None) -> httpx.AsyncClient:
        app = create_app(database=database, page_folder=folder)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://centre")

    return opened


@pytest.fixture
async def client(
    browser: Callable[[Path | None], httpx.AsyncClient], folder: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client without any credential."""
    async with browser(folder) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


class TestPage:
    @pytest.mark.parametrize("view", ["", *sorted(VIEWS)])
    async def test_shows_its_document_at_every_view(
        self, client: httpx.AsyncClient, view: str
    ) -> None:
        response = await client.get(f"/{view}", params={"screen": "1"})
        assert response.status_code == 200
        assert response.content == DOCUMENT
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]

    async def test_shows_its_document_below_a_view(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/meters/E1")).content == DOCUMENT

    async def test_sends_named_assets_for_good(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/assets/index-abc123.js")
        assert response.content == SCRIPT
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert (await client.get("/mark.svg")).headers["Cache-Control"] == "no-cache"

    @pytest.mark.parametrize(
        ("accepted", "encoding"),
        [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("GZIP", "gzip"),
            ("identity", None),
            ("", None),
        ],
    )
    async def test_is_sent_as_small_as_the_browser_takes_it(
        self, client: httpx.AsyncClient, accepted: str, encoding: str | None
    ) -> None:
        request = client.build_request(
            "HEAD", "/assets/index-abc123.js", headers={"Accept-Encoding": accepted}
        )
        response = await client.send(request)
        assert response.headers.get("Content-Encoding") == encoding
        assert response.headers["Content-Length"] == str(8 if encoding else len(SCRIPT))

    async def test_tells_head_the_same_without_the_body(self, client: httpx.AsyncClient) -> None:
        response = await client.head("/")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["Content-Length"] == str(len(DOCUMENT))

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def test_takes_nothing_in(self, client: httpx.AsyncClient, method: str) -> None:
        response = await client.request(method, "/overview")
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"
        assert response.json()["code"] == "method_not_allowed"

    @pytest.mark.parametrize(
        "path",
        [
            "/secret.txt",
            "/../secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "/assets/../../secret.txt",
            "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
            "//etc/passwd",
            "/assets",
            "/assets/",
            "/.complete",
            "/assets/index-abc123.js.br",
            "/index-abc123.js",
            "/api",
            "/apix/v1/sites",
            "/overview.html",
            "/%00",
        ],
    )
    async def test_has_nothing_but_its_files(self, client: httpx.AsyncClient, path: str) -> None:
        request = client.build_request("GET", "/")
        # As it stands: a client would tidy the address up.
        request.url = request.url.copy_with(raw_path=path.encode())
        response = await client.send(request)
        assert response.status_code == 404, path
        assert response.headers["Content-Type"] == "application/problem+json"

    async def test_leaves_the_interface_closed(self, client: httpx.AsyncClient) -> None:
        for path in ("/api/v1/sites", "/api/v1/nowhere", "/api/", "/api/overview"):
            assert (await client.get(path)).status_code == 401, path

    async def test_says_how_it_is_built_where_it_is_not(
        self, browser: Callable[[Path | None], httpx.AsyncClient], tmp_path: Path
    ) -> None:
        for folder in (None, tmp_path / "nowhere"):
            async with browser(folder) as client:
                response = await client.get("/")
                assert response.status_code == 200
                assert "make demo" in response.text
                assert (await client.get("/mark.svg")).status_code == 404


def test_the_router_of_the_page_has_the_same_views() -> None:
    text = (PROJECT / "dashboards/web/src/router.ts").read_text(encoding="utf-8")
    listed = text.split("export const VIEWS = [", 1)[1].split("]", 1)[0]
    assert {name.strip(' "') for name in listed.split(",")} | {"sign-in"} == VIEWS
