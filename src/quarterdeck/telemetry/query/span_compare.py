"""Selected spans against the rest of the same search: which attributes set them apart."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.span_contrast import Contrast, Standing, Value, contrast
from quarterdeck.telemetry.query.span_sample import Scope, sample
from quarterdeck.telemetry.query.span_selection import Selection
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window

_MOST_VALUES = 8


class ComparedValue(BaseModel):
    value: str | None = Field(description="Null for a range of numbers, and for `not there`.")
    low: float | None = Field(description="Numbers from here on.")
    high: float | None = Field(description="Numbers below this; null where there is no end.")
    selected: float = Field(description="Its share of the selection, 0 to 1.")
    rest: float
    score: float = Field(
        description="By how much the shares differ at the least; negative when the rest has it more often."
    )


class ComparedField(BaseModel):
    service: str = Field(description="Whose spans it is on, where whole traces are compared.")
    field: str
    numeric: bool
    outcome: bool = Field(description="It tells how a span ended rather than why.")
    score: float
    same_as: int | None = Field(
        description="Place of the field above that picks out the same spans."
    )
    best: ComparedValue = Field(description="The value that stands out most.")
    values: list[ComparedValue]


class Condition(BaseModel):
    service: str
    field: str
    value: ComparedValue


class Together(BaseModel):
    """The conditions that tell the selection best when all of them hold."""

    conditions: list[Condition]
    selected: float
    rest: float
    precision: float = Field(
        description="Of the spans that meet them, the share that is selected, 0 to 1."
    )


class Comparison(BaseModel):
    scope: Scope
    selected: int = Field(description="Spans that are selected, all of them.")
    rest: int
    selected_sample: int = Field(description="Spans, or traces, that were compared.")
    rest_sample: int
    fields: list[ComparedField]
    together: Together | None


def compare(
    engine: Engine, window: Window, wanted: Filter, selection: Selection, scope: Scope = "spans"
) -> Comparison:
    drawn = sample(engine, window, wanted, selection, scope)
    found = contrast(drawn, selection.fields)
    place = {id(each): i for i, each in enumerate(found.fields)}
    return Comparison(
        scope=scope,
        selected=drawn.selected,
        rest=drawn.rest,
        selected_sample=drawn.chosen.bit_count(),
        rest_sample=drawn.others.bit_count(),
        fields=[_field(found, each, place) for each in found.fields],
        together=_together(found),
    )


def _field(found: Contrast, each: Standing, place: dict[int, int]) -> ComparedField:
    values = each.values
    if not each.numeric:
        ranked = sorted(values, key=lambda value: abs(value.score), reverse=True)[:_MOST_VALUES]
        values = sorted(ranked, key=lambda value: -sum(found.shares(value.units)))
    return ComparedField(
        service=each.field.service,
        field=each.field.name,
        numeric=each.numeric,
        outcome=each.outcome,
        score=each.score,
        same_as=place.get(id(each.same_as)),
        best=_value(found, each.best),
        values=[_value(found, value) for value in values],
    )


def _value(found: Contrast, value: Value) -> ComparedValue:
    selected, rest = found.shares(value.units)
    return ComparedValue(
        value=value.value,
        low=value.low,
        high=value.high,
        selected=selected,
        rest=rest,
        score=value.score,
    )


def _together(found: Contrast) -> Together | None:
    if not found.together:
        return None
    units = found.sample.chosen | found.sample.others
    for each in found.together:
        units &= each.units
    selected, rest = found.shares(units)
    inside, outside = selected * found.sample.selected, rest * found.sample.rest
    return Together(
        conditions=[
            Condition(
                service=each.field.service, field=each.field.name, value=_value(found, each.best)
            )
            for each in found.together
        ],
        selected=selected,
        rest=rest,
        precision=inside / ((inside + outside) or 1),
    )
