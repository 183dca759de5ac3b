"""The built UI as it is served: caching, compression, pages and the page's policy."""

import base64
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import Request

from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import ANONYMOUS, Principal, ProjectRef
from quarterdeck.http.application import build_api
from quarterdeck.http.static import Static, page_policy

BOOT = "window.started = 1"
PAGE = f"<!doctype html><script>{BOOT}</script><style>body{{}}</style><main></main>"
HTML = {"accept": "text/html,*/*"}


class NobodyGate:
    """Nobody is known; files and pages ask for nobody."""

    async def authenticate(self, request: Request) -> Principal:
        return ANONYMOUS

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        raise NotFound("project_unknown", "There is no such project.")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    hashed = tmp_path / "_app" / "immutable"
    hashed.mkdir(parents=True)
    (hashed / "start.Ab12.js").write_text("export const a = 1;")
    (hashed / "start.Ab12.js.gz").write_bytes(gzip.compress(b"export const a = 1;"))
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "index.html").write_text(PAGE)
    return tmp_path


@pytest.fixture
async def client(build: Path) -> AsyncIterator[httpx.AsyncClient]:
    api = build_api([], [], NobodyGate(), Static(build))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://deck.test"
    ) as client:
        yield client


async def test_a_hashed_file_is_kept_for_ever_and_comes_compressed(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(
        "/_app/immutable/start.Ab12.js", headers={"accept-encoding": "gzip, br"}
    )
    assert answer.text == "export const a = 1;"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_client_that_refuses_gzip_gets_the_plain_file(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/_app/immutable/start.Ab12.js", headers={"accept-encoding": "gzip;q=0"}
    )
    assert "content-encoding" not in answer.headers


async def test_a_file_that_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/favicon.svg")).headers["etag"]
    again = await client.get("/favicon.svg", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_any_page_address_gives_the_application(client: httpx.AsyncClient) -> None:
    for path in ("/", "/traces/abc", "/services/shop.web", "/index.html"):
        answer = await client.get(path, headers=HTML)
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert answer.headers["cache-control"] == "no-cache"


async def test_a_missing_file_is_an_error_and_not_a_page(client: httpx.AsyncClient) -> None:
    for path in ("/_app/immutable/gone.js", "/api/none", "/robots.txt", "/v1/none"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_unknown")


async def test_the_address_cannot_leave_the_build(client: httpx.AsyncClient) -> None:
    for path in ("/../static.py", "/%2e%2e/static.py", "/..%2fstatic.py", "//etc/passwd"):
        answer = await client.get(path)
        assert "page_policy" not in answer.text
        assert "root:" not in answer.text


async def test_only_the_inline_blocks_of_the_build_may_run(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/", headers=HTML)).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(BOOT.encode()).digest()).decode()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert scripts == f"script-src 'self' 'sha256-{digest}'"
    assert "frame-ancestors 'none'" in policy


def test_a_page_without_inline_blocks_allows_none() -> None:
    assert "script-src 'self';" in page_policy(b"<script src='/a.js'></script>")
    assert "script-src 'self';" in page_policy(b"<script src='/a.js'>// a note</script>")


def test_an_inline_block_behind_an_empty_one_is_allowed_by_its_own_hash() -> None:
    alone = page_policy(f"<script>{BOOT}</script>".encode())
    behind = page_policy(f"<script src='/a.js'></script>\n<script>{BOOT}</script>".encode())
    assert alone == behind


async def test_a_new_build_is_served_without_a_restart(
    client: httpx.AsyncClient, build: Path
) -> None:
    await client.get("/")
    (build / "index.html").write_text("<!doctype html>second")
    assert (await client.get("/")).text == "<!doctype html>second"


async def test_without_a_build_a_page_says_how_to_make_one(tmp_path: Path) -> None:
    api = build_api([], [], NobodyGate(), Static(tmp_path))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://deck.test"
    ) as client:
        answer = await client.get("/", headers=HTML)
    assert answer.status_code == 503
    assert "make setup" in answer.text


async def test_writing_to_a_page_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
