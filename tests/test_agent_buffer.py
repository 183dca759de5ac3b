"""What the agent keeps on disk: whole after a kill at any moment, in order, within its bound."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.agent.buffer import Buffer, FullError, Record

MIB = 1024 * 1024
LARGE = 2_000


def record(number: int, size: int = 200, **positions: int) -> Record:
    """A record that can be told from the others and does not compress."""
    noise = random.Random(number).randbytes(size)
    return Record(b"%08d|" % number + noise, 1, positions)


def numbers(payload: bytes, size: int = 200) -> list[int]:
    return [int(payload[at : at + 8]) for at in range(0, len(payload), size + 9)]


def fits(buffer: Buffer, one: Record) -> bool:
    try:
        buffer.append(one)
    except FullError:
        return False
    return True


def drained(buffer: Buffer, size: int = 200, together: int = 200) -> list[int]:
    """The numbers of everything that waits; sent as it is read."""
    return [number for batch in batches(buffer, together) for number in numbers(batch, size)]


def batches(buffer: Buffer, together: int) -> Iterator[bytes]:
    while (batch := buffer.oldest(together)) is not None:
        yield batch.payload
        buffer.sent(batch)


def test_what_goes_in_comes_out_in_its_order_and_once(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB)
    for number in range(500):
        buffer.append(record(number))
        if number % 7 == 0 and (batch := buffer.oldest(3)) is not None:
            buffer.sent(batch)
    assert buffer.waiting_bytes > 0
    seen = drained(buffer)
    assert seen == list(range(500 - len(seen), 500))
    assert buffer.waiting_bytes == 0


def test_what_was_not_sent_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Buffer(tmp_path, MIB)
    for number in range(300):
        first.append(record(number))
    batch = first.oldest(100)
    assert batch is not None
    first.sent(batch)
    # No close: the process is gone.
    again = Buffer(tmp_path, MIB)
    again.append(record(300))
    assert drained(again) == list(range(100, 301))
    assert drained(Buffer(tmp_path, MIB)) == []


def test_a_kill_at_any_byte_loses_nothing_that_append_returned_from(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB)
    for number in range(3):
        buffer.append(record(number, 40, file=number))
    [segment] = tmp_path.glob("*.segment")
    whole = segment.read_bytes()
    buffer.append(record(3, 40, file=3))
    torn = segment.read_bytes()
    for cut in range(len(whole), len(torn)):
        (tmp_path / "state.json").unlink(missing_ok=True)
        for old in tmp_path.glob("*.segment"):
            old.unlink()
        segment.write_bytes(torn[:cut])
        found = Buffer(tmp_path, MIB)
        assert found.positions == {"file": 2}
        found.append(record(9, 40))
        assert drained(found, 40) == [0, 1, 2, 9], cut


def test_a_damaged_record_ends_its_segment_alone(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB)  # segments of an eighth
    for number in range(2_000):
        buffer.append(record(number))
    second = sorted(tmp_path.glob("*.segment"))[1]
    data = bytearray(second.read_bytes())
    data[len(data) // 2] ^= 0xFF
    second.write_bytes(data)
    seen = drained(Buffer(tmp_path, MIB))
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1_999
    assert 2_000 - len(seen) in range(150, 450)


def test_the_newest_are_kept_within_the_bound_and_the_others_counted(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB, keep="newest")
    for number in range(700):
        buffer.append(record(number, LARGE))
    on_disk = sum(path.stat().st_size for path in tmp_path.glob("*.segment"))
    assert 0.8 * MIB < on_disk <= MIB
    dropped = buffer.dropped
    assert Buffer(tmp_path, MIB).dropped == dropped
    seen = drained(buffer, LARGE)
    assert seen == list(range(dropped, 700))
    buffer.told_dropped(dropped)
    assert Buffer(tmp_path, MIB).dropped == 0


def test_a_batch_that_was_dropped_while_it_was_sent_moves_nothing_back(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB, keep="newest")
    buffer.append(record(0, LARGE))
    batch = buffer.oldest()
    assert batch is not None
    for number in range(1, 700):
        buffer.append(record(number, LARGE))
    next_one = buffer.oldest(1)
    buffer.sent(batch)
    assert buffer.oldest(1) == next_one


def test_where_all_is_kept_a_full_buffer_refuses_until_there_is_room(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB, keep="all")
    count = next(number for number in range(1_000) if not fits(buffer, record(number, LARGE)))
    assert drained(buffer, LARGE) == list(range(count))
    assert count > 400
    buffer.append(record(count, LARGE))
    assert drained(buffer, LARGE) == [count]
    assert buffer.dropped == 0


def test_a_disk_without_room_refuses_and_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = Buffer(tmp_path, MIB)
    buffer.append(record(0))

    def full(file: object, data: bytes) -> None:
        file.write(data[: len(data) // 2])  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("quarterdeck.agent.buffer._write_all", full)
        with pytest.raises(FullError, match="No space"):
            buffer.append(record(1))
    buffer.append(record(2))
    assert drained(buffer) == [0, 2]
    assert drained(Buffer(tmp_path, MIB)) == []


def test_positions_come_with_their_record_and_outlive_it(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path, MIB)
    buffer.append(record(0, a=10, b=5))
    buffer.append(record(1, a=20))
    assert Buffer(tmp_path, MIB).positions == {"a": 20, "b": 5}
    again = Buffer(tmp_path, MIB)
    assert drained(again) == [0, 1]
    again.note({"c": 1}, forget=["b"])
    again.close()
    for path in tmp_path.glob("*.segment"):
        path.unlink()
    assert Buffer(tmp_path, MIB).positions == {"a": 20, "c": 1}


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    buffer = Buffer(tmp_path / "buffer", MIB)
    buffer.append(record(0))
    buffer.close()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "buffer").iterdir()}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "buffer").stat().st_mode & 0o777 == 0o700
