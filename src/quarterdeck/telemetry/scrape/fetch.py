"""Asking a target: one GET, within its time and its size, whatever it answers.

Guarantees. Nothing of an answer is repeated in an error but the host that it redirects to. Memory is bounded by the job's largest
body and by what all scrapes may hold together; what is compressed is unpacked no further. A
redirect takes credentials along to the same origin alone.
"""

import asyncio
import os
import ssl
import sys
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import httpx

from quarterdeck.telemetry.ingest.batcher import Budget
from quarterdeck.telemetry.scrape.ask import Ask, protocol_of
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.spec import Protocol, Tls
from quarterdeck.telemetry.scrape.target import Target

MOST_REDIRECTS = 10

# httpcore imports it, if it is there, four times in every request. That a module is missing is found
# out anew each time, on disk, unless this says so: a quarter of a request's price.
if find_spec("sniffio") is None:
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

_FAILED = (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    gzip: bool
    protocol: Protocol

    def unpacked(self, most_bytes: int) -> bytes:
        """The text itself; worth a thread."""
        return _gunzipped(self.body, most_bytes) if self.gzip else self.body


class Connection:
    """One target's own connection, kept open between scrapes where `keep` says so."""

    def __init__(self, context: ssl.SSLContext, keep: bool) -> None:
        limits = httpx.Limits(
            max_connections=1, max_keepalive_connections=int(keep), keepalive_expiry=None
        )
        transport = httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False)
        self._redirected = ""  # the host that has been redirected to, where it is another one
        self._client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - `ask` has one over all

    async def ask(
        self, target: Target, ask: Ask, credentials: Mapping[str, str], budget: Budget
    ) -> Answer:
        """ScrapeFailed that says why there is no answer."""
        headers = {**ask.headers(target.timeout_ms), **credentials}
        self._redirected = ""
        try:
            async with asyncio.timeout(target.timeout_ms / 1000):
                request = self._client.build_request("GET", target.url, headers=headers)
                if ask.server_name:
                    request.extensions["sni_hostname"] = ask.server_name
                response = await self._landed(request, ask)
                try:
                    return await self._read(response, ask, budget)
                finally:
                    await response.aclose()
        except TimeoutError:
            seconds = f"{target.timeout_ms / 1000:g}"
            raise self._failed(f"It did not answer in full within {seconds} s.") from None
        except ScrapeFailed as failed:
            raise self._failed(str(failed)) from None
        except _FAILED as error:
            raise self._failed(_reason(error)) from None

    def _failed(self, why: str) -> ScrapeFailed:
        """What went wrong, and where, if that is not the target itself."""
        if self._redirected:
            why = f"It redirects to {self._redirected}, and there: {why[0].lower()}{why[1:]}"
        return ScrapeFailed(why)

    async def close(self) -> None:
        await self._client.aclose()

    async def _landed(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """The answer at the end of all redirects, whose bodies are not read."""
        first = request
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._sent(request)
            if response.next_request is None or not ask.follow_redirects:
                return response
            request = response.next_request
            await response.aclose()
            if request.url.scheme not in ("http", "https"):
                raise ScrapeFailed("It redirects to an address that is neither http nor https.")
            if (host := request.url.netloc) != first.url.netloc:
                self._redirected = host.decode("ascii", "replace")[:200]
        raise ScrapeFailed(f"It redirects more than {MOST_REDIRECTS} times.")

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A connection that was kept may have been closed by the other side just now.
            return await self._client.send(request, stream=True)

    async def _read(self, response: httpx.Response, ask: Ask, budget: Budget) -> Answer:
        if response.status_code != 200:
            raise ScrapeFailed(_status(response))
        protocol = protocol_of(response.headers.get("content-type", ""), ask.fallback)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise ScrapeFailed("It answered in a compression that was not asked for.")
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_raw():
                if not budget.take(len(chunk)):
                    raise ScrapeFailed("Too many large answers came at once; it is asked again.")
                size += len(chunk)
                chunks.append(chunk)
                if size > ask.most_bytes:
                    raise _too_large(ask.most_bytes)
        finally:
            budget.give(size)
        return Answer(b"".join(chunks), encoding == "gzip", protocol)


def context_of(tls: Tls | None, key: str) -> ssl.SSLContext:
    """How a job's targets are believed; ScrapeFailed when its certificate and key do not fit."""
    context = ssl.create_default_context(cadata=(tls and tls.ca) or None)
    if tls is None:
        return context
    if tls.min_version == "TLS13":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        # The library reads it from a file alone; this one is ours alone, and gone at once.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(f"{tls.cert}\n{key}".encode())
            file.flush()
            try:
                context.load_cert_chain(file.name)
            except (ssl.SSLError, OSError):
                raise ScrapeFailed("The job's certificate and key do not fit together.") from None
    return context


def _gunzipped(body: bytes, most_bytes: int) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        text = unpack.decompress(body, most_bytes + 1)
    except zlib.error:
        raise ScrapeFailed("Its gzip is broken.") from None
    if len(text) > most_bytes:
        raise _too_large(most_bytes)
    if not unpack.eof:
        raise ScrapeFailed("Its gzip ends too early.")
    return text


def _too_large(most_bytes: int) -> ScrapeFailed:
    return ScrapeFailed(f"body_size_limit is {most_bytes} bytes, but the answer is larger.")


def _status(response: httpx.Response) -> str:
    if response.is_redirect:
        return f"It redirects (HTTP {response.status_code}), and follow_redirects is off."
    hint = ""
    if response.status_code in (401, 403):
        hint = "; the job's credentials are not what it wants"
    if response.status_code == 404:
        hint = "; the job's metrics_path may be wrong"
    return f"It answered HTTP {response.status_code}{hint}."


def _reason(error: BaseException) -> str:
    """What the deepest cause says of itself, in the system's words."""
    if isinstance(error, httpx.RemoteProtocolError | httpx.LocalProtocolError):
        return "It does not speak HTTP as it should, or ended in the middle."
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate is not trusted: {cause.verify_message.rstrip('.')}."
        if isinstance(cause, ssl.SSLError):
            return "It does not speak TLS as it should."
        if isinstance(cause, OSError) and cause.errno:
            # Names that cannot be looked up have numbers of their own, below zero.
            why = os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
            return f"It cannot be reached: {why.lower()}."
        cause = cause.__cause__ or cause.__context__
    return "It cannot be reached."
