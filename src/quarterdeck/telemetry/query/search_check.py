"""Whether a search can be read and asked of a signal, without asking it."""

from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.search_sql import search_logs, search_spans
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.fields import Signal
from quarterdeck.telemetry.search.parse import parse
from quarterdeck.telemetry.search.tree import print_search


class SearchFault(BaseModel):
    message: str
    hint: str
    position: int = Field(description="Of the characters at fault, counted in code points.")
    length: int


class SearchCheck(BaseModel):
    ok: bool
    canonical: str = Field(default="", description="The one way to write this search.")
    fault: SearchFault | None = None


def readable(signal: Literal["logs", "traces"], text: str) -> None:
    """For the specs that hold a search.

    Raises:
        ValueError: It cannot be read, or not be asked of the signal; says why and where.
    """
    fault = check("logs" if signal == "logs" else "spans", text).fault
    if fault:
        raise ValueError(f"has a query that cannot be read, at {fault.position}: {fault.message}")


def check(signal: Signal, text: str) -> SearchCheck:
    try:
        (search_logs if signal == "logs" else search_spans)(Asked(), text)
    except BadInput as error:
        at = error.details
        fault = SearchFault(
            message=error.message, hint=error.hint, position=at["position"], length=at["length"]
        )
        return SearchCheck(ok=False, fault=fault)
    return SearchCheck(ok=True, canonical=print_search(parse(text)))
