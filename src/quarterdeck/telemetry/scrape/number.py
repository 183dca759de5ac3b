"""Numbers as expositions write them."""

import math
from decimal import Decimal

_LEGAL = b"0123456789+-.eEiInNfFaAtTyY"  # float() would take `1_000` too


def legal(numbers: bytes) -> bool:
    """Whether there is nothing in these texts that no number has."""
    return not numbers.translate(None, _LEGAL)


def number(text: bytes) -> float:
    """ValueError when it is none."""
    if not legal(text):
        raise ValueError("no number")
    return float(text)


def canonical(value: float) -> str:
    """A bound or quantile as OpenMetrics writes it, so that 1 and 1.0 are one label.

    As Prometheus 3 does: the shortest digits, an exponent below 1e-4 and from 1e6, else a point.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    minus = "-" if sign else ""
    if not any(digits):
        return f"{minus}0.0"
    text = "".join(map(str, digits))
    power = len(text) + exponent - 1
    if -4 <= power < 6:
        return f"{value:.{max(1, -exponent)}f}"
    return f"{minus}{text[0]}{'.' + text[1:] if text[1:] else ''}e{power:+03d}"
