"""How a batch of OTLP requests is written: twice, where attributes nest.

Items whose attributes nest come back from the engine as `complex`; they are rewritten
(complex.py) and inserted again under the next number.
"""

from collections.abc import Callable

from quarterdeck.store.telemetry import EmbeddedEngine, EngineError
from quarterdeck.telemetry.ingest import write as rows
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp import complex
from quarterdeck.telemetry.ingest.otlp.signals import Signal
from quarterdeck.telemetry.ingest.outcome import Reason

COMPLEX = "complex"
TOO_LARGE = Reason.VALUE_TOO_LARGE.value


def canonical(signal: Signal, body: bytes) -> bytes:
    """The request as a protobuf library writes it: each field once, the last value of a oneof."""
    return signal.request.FromString(body).SerializeToString()


def writer(
    engine: EmbeddedEngine, signal: Signal, kept_days: rows.Oldest
) -> Callable[[list[Pending]], dict[int, dict[str, int]]]:
    """The function that the signal's batcher calls with each batch."""

    def insert(
        batch: list[Pending], bodies: list[tuple[int, bytes]], number: int
    ) -> dict[int, dict[str, int]]:
        return rows.insert(
            engine, signal.schema, batch, bodies, number, lambda of: kept_days(of, signal.name)
        )

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        number = rows.next_batch()
        try:
            refused = insert(batch, [(i, p.request.body) for i, p in enumerate(batch)], number)
        except EngineError as error:
            if len(batch) > 1 or not error.bad_data:
                raise
            # The engine is stricter than protobuf, where of a oneof given twice the last counts.
            refused = insert(batch, [(0, canonical(signal, batch[0].request.body))], number)
        again = [i for i, reasons in refused.items() if reasons.pop(COMPLEX, 0)]
        if again:
            bodies = [(i, complex.flatten(signal, batch[i].request.body)) for i in again]
            for i, reasons in insert(batch, bodies, number + 1).items():
                # Every other reason was found by the first pass already: it stands before `complex`.
                if large := reasons.get(TOO_LARGE):
                    refused[i][TOO_LARGE] = refused[i].get(TOO_LARGE, 0) + large
        return {i: reasons for i, reasons in refused.items() if reasons}

    return write
