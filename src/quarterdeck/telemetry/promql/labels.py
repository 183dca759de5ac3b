"""Functions over labels: label_replace, label_join, and the orders of results.

Regular expressions are RE2 (through Arrow), so that no expression takes exponential time.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quarterdeck.telemetry.promql.source import Labels
from quarterdeck.telemetry.promql.values import NAME, Vector, execution, joined

MAX_VALUE = 65_536
_REFERENCE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P?<(\w+)>", re.DOTALL)


def label_replace(
    vector: Vector, target: str, replacement: str, source: str, pattern: str
) -> Vector:
    """Sets a label from groups of another where that matches as a whole."""
    whole = f"^(?s:{pattern})$"
    template = rewrite(replacement, pattern)
    distinct = sorted({labels.get(source, "") for labels in vector.labels})
    longest = max(map(len, distinct), default=0)
    _check_length(len(template) + template.count("\\") * longest)
    values = pa.array(distinct, pa.string())
    try:
        matches = pc.match_substring_regex(values, whole).to_pylist()
        replaced = pc.replace_substring_regex(
            values, pattern=whole, replacement=template, max_replacements=1
        ).to_pylist()
    except pa.ArrowInvalid:
        raise execution(f"invalid regular expression in label_replace(): {pattern}") from None
    if not target:
        raise execution(f"invalid destination label name in label_replace(): {target}")
    new = {
        value: found
        for value, found, matched in zip(distinct, replaced, matches, strict=True)
        if matched
    }
    changed = [labels.get(source, "") in new for labels in vector.labels]
    return _set(
        vector, target, [new.get(each.get(source, ""), "") for each in vector.labels], changed
    )


def rewrite(replacement: str, pattern: str) -> str:
    """From Go's `$1`, `${name}` to RE2's `\\1`; a group that does not exist is empty."""
    names: dict[str, int] = {}
    count = 0
    for match in _GROUP.finditer(pattern):
        if match[0].startswith("("):
            count += 1
            if match[1]:
                names[match[1]] = count
    parts, end = [], 0
    for match in _REFERENCE.finditer(replacement):
        parts.append(replacement[end : match.start()].replace("\\", "\\\\"))
        end = match.end()
        name = match[1] or match[2]
        if name is None:
            parts.append("$")
            continue
        number = int(name) if name.isdecimal() else names.get(name, -1)
        if 0 <= number <= min(count, 9):
            parts.append(f"\\{number}")
    return "".join([*parts, replacement[end:].replace("\\", "\\\\")])


def label_join(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    """Sets a label to the values of others, joined."""
    if not target:
        raise execution(f"invalid destination label name in label_join(): {target}")
    if "" in sources:
        raise execution("invalid source label name in label_join(): ")
    for each in vector.labels:
        _check_length(sum(len(each.get(name, "")) + len(separator) for name in sources))
    values = [separator.join(each.get(name, "") for name in sources) for each in vector.labels]
    return _set(vector, target, values, [True] * len(values))


def _check_length(length: int) -> None:
    """Labels that double each time would soon fill the memory."""
    if length > MAX_VALUE:
        raise execution(f"a label value would be longer than {MAX_VALUE} characters")


def _set(vector: Vector, target: str, values: list[str], changed: list[bool]) -> Vector:
    labels: list[Labels] = []
    unnamed = vector.unnamed.copy()
    for row, (each, value, change) in enumerate(zip(vector.labels, values, changed, strict=True)):
        if not change:
            labels.append(each)
            continue
        new = {name: old for name, old in each.items() if name != target}
        if value:
            new[target] = value
        labels.append(new)
        if target == NAME:
            unnamed[row] = False
    return joined(Vector(labels, vector.values, vector.present, unnamed, vector.histograms))


def sort(vector: Vector, *, descending: bool) -> Vector:
    """By value at the only moment, NaN last; histograms are dropped."""
    rows = np.flatnonzero(vector.floats[:, 0])
    values = vector.values[rows, 0]
    missing = np.isnan(values)
    ranked = np.where(missing, 0.0, -values if descending else values)
    found = vector.take(rows[np.lexsort((ranked, missing))])
    found.histograms, found.ordered = None, True
    return found


def sort_by_label(vector: Vector, names: list[str], *, descending: bool) -> Vector:
    """By labels in natural order (`a2` before `a10`), then by all labels."""

    def key(row: int) -> tuple[object, ...]:
        labels = vector.labels[row]
        wanted = [natural(labels.get(name, "")) for name in names]
        return (wanted, sorted(labels.items()))

    rows = sorted(range(len(vector.labels)), key=key, reverse=descending)
    found = vector.take(rows)
    found.ordered = True
    return found


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """A key under which numbers within text compare as numbers."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
