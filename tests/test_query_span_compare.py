"""Selected spans against the rest: a planted cause stands among the first, noise does not."""

import random
from typing import Any

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query import span_sample
from quarterdeck.telemetry.query.span_compare import Comparison, compare
from quarterdeck.telemetry.query.span_contrast import least_difference
from quarterdeck.telemetry.query.span_selection import Selection
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns

MS = 1_000_000
COUNTRIES = ("SN", "CI", "ML", "BF", "BJ", "TG")
PROVIDERS = ("sahelpay", "northcard", "wave")


def noise(chance: random.Random, i: int) -> dict[str, Any]:
    """What spans carry along and what explains nothing: ids, texts, numbers."""
    return {
        "session.id": f"{chance.getrandbits(64):x}",
        "user.id": str(chance.randrange(400)),
        "order.number": f"Q-{i:06d}",
        "order.sequence": i,
        "url.path": f"/orders/{i}",
        "user_agent.original": chance.choice(["firefox", "chrome", "safari", "curl"]),
        "payment.amount": chance.randrange(500, 200_000),
        "cart.items": chance.randrange(1, 40),
        "feature.new_header": chance.random() < 0.5,
        "http.request.method": "POST",
        "db.pool.wait": chance.random() * 3,
    }


def charges(seed: int, count: int, bad: Any) -> list[dict[str, Any]]:
    """Charges of a shop; `bad(attributes, release)` are slow and mostly fail."""
    chance = random.Random(seed)
    at = now_ns() - 1200 * SECOND
    spans = []
    for i in range(count):
        release = chance.choices(["1.9.3", "1.10.0"], [2, 1])[0]
        about: dict[str, Any] = {
            **noise(chance, i),
            "payment.provider": chance.choices(PROVIDERS, [5, 3, 2])[0],
            "customer.country": chance.choices(COUNTRIES, [26, 20, 17, 13, 13, 11])[0],
        }
        broken = bad(about, release)
        failed = chance.random() < (0.7 if broken else 0.01)
        spans.append({
            "trace_id": f"{seed * 10**6 + i:032x}", "span_id": f"{seed * 10**6 + i:016x}", "service": "payments",
            "name": "POST /charges", "time": at + i * SECOND // 4, "release": release,
            "duration_ns": int(chance.lognormvariate(4, 0.5) * MS) * (12 if broken else 1),
            "status": "error" if failed else "unset",
            "attributes": {**about, "http.response.status_code": 503 if failed else 201},
            "resource": {
                "service.name": "payments", "service.version": release, "host.name": f"shop-{i % 4}",
                "service.instance.id": f"payments-{release}", "process.pid": 100 + i % 4,
            },
        })  # fmt: skip
    return spans


def ground(*spans: dict[str, Any]) -> Window:
    project = new_project().id
    add_spans(shared_engine(), project, *spans)
    now = now_ns() // MS
    return window_of(project, now - 1_800_000, now + 1_000)


def compared(
    window: Window, q: str, wanted: Filter | None = None, scope: Any = "spans"
) -> Comparison:
    return compare(shared_engine(), window, wanted or Filter(), Selection(q), scope)


def first(answer: Comparison, count: int = 3) -> list[tuple[str, str | None]]:
    return [
        (each.field, each.best.value)
        for each in answer.fields
        if not each.outcome and each.same_as is None
    ][:count]


@pytest.mark.parametrize(
    ("cause", "bad"),
    [
        (("payment.provider", "wave"), lambda about, _: about["payment.provider"] == "wave"),
        (("release", "1.10.0"), lambda _, release: release == "1.10.0"),
        (("customer.country", "BJ"), lambda about, _: about["customer.country"] == "BJ"),
    ],
)
def test_a_planted_cause_comes_first(cause: tuple[str, str], bad: Any) -> None:
    window = ground(*charges(hash(cause[0]) % 900 + 1, 1500, bad))
    for selection in ("status:error", "duration>=400ms"):
        answer = compared(window, selection)
        assert first(answer)[0] == cause
        assert answer.together is not None
        assert answer.together.conditions[0].value.value == cause[1]


def test_three_causes_at_once_are_the_first_three() -> None:
    def bad(about: dict[str, Any], release: str) -> bool:
        return bool(
            about["payment.provider"] == "wave"
            or about["customer.country"] == "TG"
            or (release == "1.10.0" and about["payment.amount"] > 120_000)
        )

    answer = compared(ground(*charges(7, 2500, bad)), "status:error")
    assert {field for field, _ in first(answer, 4)} == {
        "payment.provider", "customer.country", "payment.amount", "release",
    }  # fmt: skip
    amount = next(each for each in answer.fields if each.field == "payment.amount")
    assert amount.numeric
    assert amount.best.low is not None
    assert 90_000 < amount.best.low < 150_000
    assert amount.best.high is None


def shop(seed: int, requests: int, bad_release: bool = True) -> list[dict[str, Any]]:
    """Traces as the demo's shop makes them while its switch `bad-release` is on."""
    chance = random.Random(seed)
    at = now_ns() - 1200 * SECOND
    spans: list[dict[str, Any]] = []
    for i in range(requests):
        country = chance.choices(COUNTRIES, [26, 20, 17, 13, 13, 11])[0]
        checkout = chance.random() < 0.4
        release = "1.10.0" if bad_release and chance.random() < 0.67 else "1.9.3"
        provider = chance.choices(("sahelpay", "northcard"), (7, 3))[0]
        broken = checkout and (country, provider, release) == ("SN", "sahelpay", "1.10.0")
        failed = broken and chance.random() < 0.36
        slow = int((1100 + 3000 * chance.random()) * MS) if broken else 0
        moment = at + i * SECOND // 3

        def span(
            n: int,
            parent: int,
            service: str,
            name: str,
            ms: float,
            kind: str = "server",
            **more: Any,
        ) -> None:
            version = {"web": "2.14.0", "orders": "3.8.1", "payments": release}[service]  # noqa: B023
            spans.append({
                "trace_id": f"{seed * 10**6 + i:032x}", "span_id": f"{(seed * 10**6 + i) * 16 + n:016x}",  # noqa: B023
                "parent_span_id": f"{(seed * 10**6 + i) * 16 + parent:016x}" if parent else "0" * 16,  # noqa: B023
                "service": service, "name": name, "kind": kind, "release": version, "time": moment + n * MS,  # noqa: B023
                "duration_ns": int(ms * MS * chance.lognormvariate(0, 0.3)) + slow, "status": "error" if failed else "unset",  # noqa: B023
                "attributes": {
                    "customer.country": country, "session.id": f"{i // 6:x}", "user.id": str(i // 12),  # noqa: B023
                    "server.address": service, "url.path": f"/p/{i}", "client.address": f"10.0.0.{i % 200}",  # noqa: B023
                    "http.response.status_code": 503 if failed else 200, **more,  # noqa: B023
                },
                "resource": {
                    "service.name": service, "service.version": version, "host.name": "shop-1",
                    "process.pid": 40 + len(service) + (version == "1.10.0"),
                    "service.instance.id": "payments-2" if version == "1.10.0" else f"{service}-1",
                },
            })  # fmt: skip

        if not checkout:
            name = chance.choice(["GET /", "GET /products/{sku}", "GET /cart"])
            span(1, 0, "web", name, 40)
            continue
        about: dict[str, Any] = {
            "payment.provider": provider, "payment.amount": chance.randrange(2_000, 90_000),
            "order.number": f"Q-{i}", "payment.attempts": 0 if failed else 1,
        }  # fmt: skip
        span(1, 0, "web", "POST /checkout", 180)
        span(2, 1, "orders", "POST /orders", 150)
        span(3, 2, "payments", "POST /charges", 90, **about)
        span(4, 3, "payments", "find wallet operator", 2, "internal")
    return spans


def test_the_bad_release_of_the_demo_is_found_by_comparing_its_charges() -> None:
    window = ground(*shop(1, 1500))
    answer = compared(window, "duration>=1s", Filter(service="payments", operation="POST /charges"))
    causes = {("customer.country", "SN"), ("payment.provider", "sahelpay"), ("release", "1.10.0")}
    assert first(answer)[0] in causes
    assert set(first(answer, 4)) >= causes
    assert answer.together is not None
    told = {(each.field, each.value.value) for each in answer.together.conditions}
    assert told == causes
    assert answer.together.selected > 0.95
    assert answer.together.precision > 0.9


def test_the_cause_is_found_on_another_span_of_the_trace() -> None:
    window = ground(*shop(2, 1200))
    slow = Filter(service="web", operation="POST /checkout")
    assert ("payment.provider", "sahelpay") not in first(compared(window, "duration>=1s", slow), 9)
    answer = compared(window, "duration>=1s", slow, "traces")
    found = {
        (each.service, each.field, each.best.value): i
        for i, each in enumerate(answer.fields)
        if each.same_as is None and not each.outcome
    }
    assert ("payments", "payment.provider", "sahelpay") in found
    assert ("payments", "release", "1.10.0") in found
    assert answer.together is not None
    assert {each.value.value for each in answer.together.conditions} == {"SN", "sahelpay", "1.10.0"}


def test_ids_do_not_stand_out_and_nothing_does_where_nothing_differs() -> None:
    window = ground(*charges(11, 1500, lambda *_: False))
    now = now_ns() // MS
    answer = compare(
        shared_engine(), window, Filter(), Selection("", now - 1_200_000, now - 1_100_000)
    )
    assert answer.selected > 300
    assert {each.field for each in answer.fields} <= {"order.sequence"}
    answer = compared(window, "feature.new_header:true")
    assert answer.fields == []
    assert answer.together is None


def test_what_says_the_same_stands_below_and_what_tells_the_end_is_marked() -> None:
    window = ground(*charges(12, 1500, lambda _, release: release == "1.10.0"))
    answer = compared(window, "status:error")
    places = [each.field for each in answer.fields]
    instance = next(each for each in answer.fields if each.field == "service.instance.id")
    assert instance.same_as == places.index("release")
    code = next(each for each in answer.fields if each.field == "http.response.status_code")
    assert code.outcome
    assert "status" not in places  # it told the selection


def test_the_same_question_has_the_same_answer_and_counts_are_exact() -> None:
    spans = charges(13, 900, lambda about, _: about["payment.provider"] == "wave")
    window = ground(*spans)
    answer = compared(window, "status:error")
    failed = sum(span["status"] == "error" for span in spans)
    assert (answer.selected, answer.rest) == (failed, 900 - failed)
    assert (answer.selected_sample, answer.rest_sample) == (failed, 900 - failed)
    assert compared(window, "status:error") == answer


def test_an_empty_side_answers_with_nothing_and_an_empty_selection_is_refused() -> None:
    window = ground(*charges(14, 50, lambda *_: False))
    assert compared(window, "service:nobody").fields == []
    assert compared(window, "service:payments").rest == 0
    with pytest.raises(BadInput, match="Nothing is selected"):
        compared(window, "")


def test_few_of_few_are_not_yet_a_finding() -> None:
    assert least_difference(3, 3, 500, 1000) == 0
    assert least_difference(30, 30, 500, 1000) > 0.2
    assert least_difference(900, 1000, 100, 1000) == pytest.approx(0.8, abs=0.05)
    assert least_difference(100, 1000, 900, 1000) == 0


@pytest.mark.parametrize("scope", ["spans", "traces"])
def test_where_there_is_much_a_part_is_drawn_and_still_finds_the_cause(
    monkeypatch: pytest.MonkeyPatch, scope: Any
) -> None:
    bounds = {"_MOST_READ": 500, "_MUCH": 600, "_ENOUGH": 100, "_MOST_READ_WHOLE": 600}
    for name, value in bounds.items():
        monkeypatch.setattr(span_sample, name, value)
    monkeypatch.setattr(span_sample, "MOST", {"spans": 200, "traces": 150})
    spans = charges(15, 2000, lambda about, _: about["payment.provider"] == "wave")
    window = ground(*spans)
    answer = compared(window, "status:error", scope=scope)
    failed = sum(span["status"] == "error" for span in spans)
    assert (answer.selected, answer.rest) == (failed, 2000 - failed)
    assert 30 < answer.selected_sample < failed
    assert 100 < answer.rest_sample < answer.rest / 2
    assert first(answer)[0] == ("payment.provider", "wave")
    assert compared(window, "status:error", scope=scope) == answer
