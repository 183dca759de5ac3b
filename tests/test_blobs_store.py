"""The blob store on a directory: whole blobs, plain keys, our own errors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.core.errors import BadInput, NotFound, TooLarge, Unavailable
from quarterdeck.store.blobs import Blobs, check_key, open_blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs("", tmp_path / "blobs")


async def test_what_was_put_comes_back(blobs: Blobs) -> None:
    await blobs.put("maps/1/app.js.map", b"{}")
    assert await blobs.get("maps/1/app.js.map") == b"{}"
    info = await blobs.info("maps/1/app.js.map")
    assert (info.key, info.size) == ("maps/1/app.js.map", 2)


async def test_a_second_put_replaces_the_first(blobs: Blobs) -> None:
    await blobs.put("a", b"one")
    await blobs.put("a", b"two")
    assert await blobs.get("a") == b"two"


async def test_a_stream_goes_in_and_out_in_chunks(blobs: Blobs) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(50):
            yield bytes([number]) * 100_000

    await blobs.put("big", parts())
    chunks = [chunk async for chunk in blobs.stream("big", chunk=1_000_000)]
    assert len(chunks) > 1
    assert b"".join(chunks) == b"".join(bytes([n]) * 100_000 for n in range(50))


async def test_a_stream_that_breaks_off_leaves_no_blob(blobs: Blobs) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise RuntimeError("the client went away")

    with pytest.raises((RuntimeError, Unavailable)):
        await blobs.put("broken", parts())
    assert [blob.key async for blob in blobs.list()] == []


async def test_a_listing_takes_whole_segments_as_prefix(blobs: Blobs) -> None:
    for key in ("p/1/a", "p/1/b", "p/10/a"):
        await blobs.put(key, b"")
    assert sorted([blob.key async for blob in blobs.list("p/1")]) == ["p/1/a", "p/1/b"]
    assert await blobs.delete_below("p/1") == 2
    assert [blob.key async for blob in blobs.list()] == ["p/10/a"]


async def test_a_blob_that_is_not_there_is_not_found_and_may_be_deleted(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        await blobs.get("nothing")
    with pytest.raises(NotFound):
        await anext(blobs.stream("nothing"))
    await blobs.delete("nothing")


async def test_a_blob_larger_than_asked_for_is_not_read_whole(blobs: Blobs) -> None:
    await blobs.put("a", b"12345")
    with pytest.raises(TooLarge):
        await blobs.get("a", limit=4)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a\0b", "a\\b", "a b",
     "C:/x", "a/./b", "é", "x" * 513, "%2e%2e/x"],
)  # fmt: skip
async def test_a_key_that_is_no_plain_path_is_refused(blobs: Blobs, key: str) -> None:
    with pytest.raises(BadInput):
        check_key(key)
    with pytest.raises(BadInput):
        await blobs.put(key, b"")
    with pytest.raises(BadInput):
        await blobs.get(key)


@pytest.mark.parametrize("url", ["ftp://x/y", "bucket/prefix", "http://x/y", "memory://"])
def test_an_address_of_no_known_store_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_blobs(url, tmp_path)
    assert caught.value.code == "blobs_url_invalid"


async def test_a_directory_can_be_named_by_address(tmp_path: Path) -> None:
    blobs = open_blobs(f"file://{tmp_path}/elsewhere", tmp_path)
    await blobs.put("a/b", b"1")
    assert (tmp_path / "elsewhere" / "a" / "b").read_bytes() == b"1"


async def test_a_store_that_fails_says_so(tmp_path: Path) -> None:
    blobs = open_blobs("", tmp_path / "blobs")
    (tmp_path / "blobs" / "a").write_bytes(b"a file where a directory must be")
    with pytest.raises(Unavailable):
        await blobs.put("a/b", b"1")
