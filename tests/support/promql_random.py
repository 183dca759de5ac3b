"""Expressions put together at random: right in form, odd in meaning."""

import random

_SELECTORS = ("a_total", "b", "h", '{x="1"}', "none", 'h{x="2"}', "target_info")
_MOVED = ("", "", "", "", " offset 1m", " @ 300", " offset -1m")
_OF_VECTOR = [
    "abs",
    "ceil",
    "sgn",
    "sort",
    "absent",
    "timestamp",
    "histogram_count",
    "histogram_avg",
    "year",
    "sqrt",
    "ln",
]
_OF_RANGE = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "resets",
    "changes",
    "deriv",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "last_over_time",
    "first_over_time",
    "count_over_time",
    "stddev_over_time",
    "mad_over_time",
    "absent_over_time",
    "present_over_time",
    "ts_of_max_over_time",
]
_OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    ">bool",
    "<",
    "and",
    "or",
    "unless",
    "atan2",
    "!=bool",
]
_AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
_CHOOSING = ["topk", "bottomk", "quantile", "limitk", "limit_ratio"]
_GROUPINGS = ("", "by (x)", "without (x)", "by (le)")


class Expressions:
    """The same seed gives the same expressions."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def pick(self, choices: tuple[str, ...] | list[str]) -> str:
        return self.chance.choice(choices)

    def vector(self, depth: int) -> str:
        kind = self.chance.randrange(14 if depth > 0 else 2)
        inner = depth - 1
        if kind < 2:
            return self.pick(_SELECTORS) + self.pick(_MOVED)
        if kind < 4:
            return f"{self.pick(_OF_VECTOR)}({self.vector(inner)})"
        if kind < 6:
            return f"{self.pick(_OF_RANGE)}({self.range(inner)})"
        if kind < 8:
            return f"{self.pick(_AGGREGATIONS)} {self.pick(_GROUPINGS)} ({self.vector(inner)})"
        if kind == 8:
            return (
                f"{self.pick(_CHOOSING)} {self.pick(_GROUPINGS)} "
                f"({self.scalar(inner)}, {self.vector(inner)})"
            )
        if kind < 11:
            operator = self.pick(_OPERATORS)
            on = self.pick(("", "", "on(x)", "ignoring(le)"))
            return f"({self.vector(inner)} {operator} {on} {self.vector(inner)})"
        if kind == 11:
            return f"({self.vector(inner)} {self.pick(['*', '==', '^'])} {self.scalar(inner)})"
        if kind == 12:
            return self.other(inner)
        return f"-{self.vector(inner)}"

    def other(self, depth: int) -> str:
        vector, scalar = self.vector(depth), self.scalar(depth)
        return self.pick(
            [
                f"histogram_quantile({scalar}, {vector})",
                f"histogram_fraction({scalar}, 2, {vector})",
                f'label_replace({vector}, "y", "$1", "x", "(.)")',
                f'count_values("v", {vector})',
                f"info({vector})",
                f"quantile_over_time({scalar}, {self.range(depth)})",
                f"predict_linear({self.range(depth)}, {scalar})",
                f"double_exponential_smoothing({self.range(depth)}, 0.1, 0.5)",
                f"clamp({vector}, {scalar}, 3)",
                f"vector({scalar})",
            ]
        )

    def range(self, depth: int) -> str:
        if depth <= 0 or self.chance.random() < 0.5:
            window = self.pick(["[5m]", "[90s]", "[1m]", "[1h]"])
            return self.pick(_SELECTORS[:4]) + window + self.pick(["", "", " offset 1m", " @ 300"])
        step = self.pick(["", "1m", "30s", "7s"])
        return f"({self.vector(depth)})[5m:{step}]" + self.pick(["", "", " offset 1m", " @ 300"])

    def scalar(self, depth: int) -> str:
        kind = self.chance.randrange(5 if depth > 0 else 3)
        if kind < 3:
            return self.pick(["0", "1", "2", "0.5", "NaN", "-1", "time()", "-2.5"])
        if kind == 3:
            return f"scalar({self.vector(depth - 1)})"
        return f"({self.scalar(depth - 1)} {self.pick(['+', '/', '%'])} {self.scalar(depth - 1)})"
