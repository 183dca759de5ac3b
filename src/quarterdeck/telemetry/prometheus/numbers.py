"""Numbers as Prometheus writes them in JSON: shortest digits that read back as the same double.

Plain notation between 1e-6 and 1e21, an exponent of at least two digits beyond, `NaN`, `+Inf` and
`-Inf` (prometheus/util/jsonutil); times are seconds with three decimals or none.
"""

import math

import numpy as np
import orjson

from quarterdeck.telemetry.promql.source import Times, Values


def text_of(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits = repr(float(value))
    sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
    if 1e-6 <= abs(value) < 1e21:
        return sign + _plain(digits)
    mantissa, _, exponent = digits.partition("e")
    power = int(exponent)
    return f"{sign}{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power):02d}"


def texts_of(values: Values) -> list[bytes]:
    """`text_of` of many: numbers are written by a library in C, only rare forms one by one."""
    if not len(values):
        return []
    written = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    found = written[1:-1].replace(b".0,", b",").split(b",")
    if found[-1].endswith(b".0"):
        found[-1] = found[-1][:-2]
    size = np.abs(values)
    # Where the notations differ: beyond these the library uses exponents, or null.
    odd = ~((size >= 1e-4) & (size < 1e15)) & (size != 0)
    for i in np.flatnonzero(odd).tolist():
        found[i] = text_of(float(values[i])).encode()
    return found


def seconds_of(times: Times) -> list[bytes]:
    """Milliseconds as seconds."""
    return [_seconds(time).encode() for time in times.tolist()]


def _seconds(milliseconds: int) -> str:
    whole, rest = divmod(abs(milliseconds), 1000)
    sign = "-" if milliseconds < 0 else ""
    return f"{sign}{whole}.{rest:03d}" if rest else f"{sign}{whole}"


def _plain(digits: str) -> str:
    """Digits that Python may have written with an exponent, without one."""
    mantissa, _, exponent = digits.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    if exponent:
        power = int(exponent)
        if power < 0:
            whole, fraction = "0", "0" * (-power - 1) + whole + fraction
        else:
            whole, fraction = whole + fraction.ljust(power, "0")[:power], fraction[power:]
    return f"{whole}.{fraction}" if fraction else whole
