"""Server-sent events: bounded, alive, ended by draining."""

import asyncio

from quarterdeck.core.sse import Streams, Subscription, encode


async def collect(subscription: Subscription, heartbeat: float = 15.0) -> list[bytes]:
    return [chunk async for chunk in subscription.stream(heartbeat)]


def test_an_event_is_one_block_even_when_its_data_holds_line_breaks() -> None:
    assert encode("log", {"body": "a\n\nevent: x"}, id="7") == (
        b'id: 7\nevent: log\ndata: {"body":"a\\n\\nevent: x"}\n\n'
    )


async def test_events_arrive_in_order_and_closing_ends_the_stream() -> None:
    subscription = Subscription()
    subscription.put("tick", 1)
    subscription.put("tick", 2)
    subscription.close()
    subscription.put("tick", 3)
    assert await collect(subscription) == [encode("ping", {}), encode("tick", 1), encode("tick", 2)]


async def test_a_slow_reader_loses_the_oldest_events_and_is_told_how_many() -> None:
    subscription = Subscription(limit=2)
    for number in range(5):
        subscription.put("tick", number)
    subscription.close()
    assert await collect(subscription) == [
        encode("ping", {}),
        encode("lagged", {"lost": 3}),
        encode("tick", 3),
        encode("tick", 4),
    ]


async def test_a_silent_stream_sends_pings() -> None:
    subscription = Subscription()
    asyncio.get_running_loop().call_later(0.12, subscription.close)
    assert len(await collect(subscription, heartbeat=0.05)) >= 2


async def test_draining_ends_every_stream_and_tells_its_owner() -> None:
    streams, ended = Streams(), []
    response = streams.respond(Subscription(), on_close=lambda: ended.append(True))
    chunks = response.body_iterator.__aiter__()
    await anext(chunks)
    assert len(streams) == 1
    streams.close()
    assert [chunk async for chunk in chunks] == []
    assert (len(streams), ended) == (0, [True])


async def test_a_client_that_leaves_is_forgotten() -> None:
    streams, ended = Streams(), []
    response = streams.respond(Subscription(), on_close=lambda: ended.append(True))
    chunks = response.body_iterator
    await anext(aiter(chunks))
    await chunks.aclose()  # type: ignore[attr-defined]
    assert (len(streams), ended) == (0, [True])
