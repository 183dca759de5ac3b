"""What the demo asks of the server it started, through the public API with the admin key."""

import contextlib
import json
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import httpx

EMAIL = "demo@quarterdeck.local"
NAME = "Demo"
PROJECT = "Marigot"
KEY_NAME = "demo shop"
_SERVER = "http_server_request_duration_seconds"
RULES = {
    "groups": [
        {
            "name": "http",
            "interval": "1m",
            "rules": [
                {
                    "record": "job:http_server_requests:rate5m",
                    "expr": f"sum by (job) (rate({_SERVER}_count[5m]))",
                },
                {
                    "record": "job:http_server_request_duration_seconds:p95",
                    "expr": f"histogram_quantile(0.95, sum by (job, le) (rate({_SERVER}_bucket[5m])))",
                },
            ],
        }
    ]
}
SCRAPING = "quarterdeck_metrics"


class Server:
    """The server, as its admin reaches it."""

    def __init__(self, url: str, admin_key: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {admin_key}"},
            timeout=15,
            trust_env=False,
        )

    async def ensure_account(self, data: Path) -> str:
        """Set the demo's account up on a new server; its password, which is shown this once.

        The server takes us for another machine when it listens on an address of the network.
        """
        session = (await self._http.get("/api/session")).raise_for_status().json()
        if not session["setup_required"]:
            return ""
        password = secrets.token_urlsafe(12)
        account = {"email": EMAIL, "name": NAME, "password": password}
        if session["setup_token_required"]:
            account["token"] = (data / "setup.token").read_text()
        created = await self._http.post("/api/setup", json=account)
        created.raise_for_status()
        self._http.cookies.clear()  # the key speaks, not the session that set-up began
        await self._http.patch("/api/projects/default", json={"name": PROJECT})
        return password

    async def ingest_key(self, kept: Path) -> str:
        """The key the shop writes with: the one kept from an earlier start, or a new one."""
        known = _kept(kept)
        if known and await self._accepts(known):
            return known
        created = await self._http.post(
            "/api/keys", json={"name": KEY_NAME, "kind": "secret", "role": "ingest"}
        )
        key = str(created.raise_for_status().json()["secret"])
        _keep(kept, key)
        return key

    async def _accepts(self, key: str) -> bool:
        """An empty export is answered with 200 to a key that may write."""
        answer = await self._http.post(
            "/v1/traces",
            content=b"",
            headers={
                "authorization": f"Bearer {key}",
                "content-type": "application/x-protobuf",
            },
        )
        return answer.status_code == 200

    async def has_recent_data(self) -> bool:
        """Whether the last hour holds anything; if so it needs no invented past."""
        answer = await self._http.post(
            "/api/sql",
            json={"sql": "SELECT count() FROM spans WHERE time > now() - INTERVAL 1 HOUR"},
        )
        rows = answer.raise_for_status().json()["rows"]
        return bool(rows and int(rows[0][0]) > 0)

    async def login_link(self) -> str:
        """An address that signs the visitor in, once; the plain one if there is none to be had."""
        answer = await self._http.post("/api/demo/login-link", json={"email": EMAIL})
        if answer.status_code != 200:
            return self.url
        return str(answer.json()["url"])

    async def derive(self, names: frozenset[str]) -> None:
        """Save those of the derived metrics that are offered ready made."""
        kind = "/api/resources/derived-metric"
        with contextlib.suppress(httpx.HTTPError):
            schema = (await self._http.get(f"{kind}/schema")).raise_for_status().json()
            ready = {each["name"]: each["spec"] for each in schema["x-kind"]["ready"]}
            for name in names & ready.keys():
                await self._http.put(f"{kind}/{name}", json={"spec": ready[name]})

    async def scrape_itself(self) -> None:
        """Have the server's own figures scraped, at the address it has this time."""
        job = {
            "scrape_interval": "15s",
            "static_configs": [{"targets": [urlsplit(self.url).netloc]}],
            "authorization": {"credentials": f"${{secret:{SCRAPING}}}"},
        }
        with contextlib.suppress(httpx.HTTPError):
            known = (await self._http.get("/api/secrets")).raise_for_status().json()
            if not any(secret["name"] == SCRAPING for secret in known):
                key = {"name": "scraping", "kind": "secret", "role": "viewer"}
                made = (await self._http.post("/api/keys", json=key)).raise_for_status().json()
                await self._http.put(f"/api/secrets/{SCRAPING}", json={"value": made["secret"]})
            await self._http.put("/api/resources/scrape-job/quarterdeck", json={"spec": job})

    async def record(self) -> None:
        """Have what dashboards ask for again and again recorded by rules."""
        with contextlib.suppress(httpx.HTTPError):
            await self._http.put("/api/resources/recording-rules/shop", json={"spec": RULES})

    async def announce(self, service: str, release: str, title: str) -> None:
        """Set a deployment's mark, as a pipeline would; one that cannot be set is let be."""
        mark = {"kind": "deploy", "service": service, "release": release, "title": title}
        with contextlib.suppress(httpx.HTTPError):
            await self._http.post("/api/annotations", json=mark)

    async def close(self) -> None:
        await self._http.aclose()


def _kept(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(path.read_text())["ingest_key"])
    return ""


def _keep(path: Path, key: str) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps({"ingest_key": key}))
