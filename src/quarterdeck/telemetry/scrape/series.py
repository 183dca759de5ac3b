"""What one target tells, by the names that we keep it under.

A target tells the same series again and again, so what stands before a value (its name and labels
as the format writes them) leads at once to the finished bytes. Everything else is done when such a
text is first seen: the target's own labels are added, relabelling is done, limits are held. Two
texts that mean the same labels lead to the same series.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from quarterdeck.telemetry.scrape import wire
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.relabel import Labels, Relabel

NAME = "__name__"
_FORGET = 1000  # texts that may be known beyond twice those of the last answer
MOST_LABELS = 2000
MOST_SERIES_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class Series:
    """One series: its labels in bytes, and what stands before its value in a request."""

    labels: bytes
    head: bytes
    exemplar: object = None  # the last one that was told


DROPPED = Series(b"", b"")
"""What relabelling leaves out."""


@dataclass(frozen=True, slots=True)
class Limits:
    """0 for none, as in a job."""

    samples: int = 0
    labels: int = 0
    name_length: int = 0
    value_length: int = 0


@dataclass(frozen=True, slots=True)
class Naming:
    """How a target's series get their labels."""

    target: Mapping[str, str]
    honor_labels: bool = False
    relabel: Relabel | None = None
    limits: Limits = Limits()


class Known:
    """The series of one target, by the text that stands for them (a line's beginning, or a key)."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.by_text: dict[Hashable, Series] = {}
        self._by_labels: dict[bytes, Series] = {}
        self.comments: list[bytes] = []  # of the last answer, as its format has them
        self.families: object = None
        self.new = 0  # series that were made since `forget`

    def add(self, text: Hashable, labels: Labels) -> Series:
        """The series that a text stands for from now on; ScrapeFailed for one that may not be."""
        kept = self._named(labels)
        series = DROPPED
        if kept is not None:
            encoded = wire.labels_of(kept)
            if len(encoded) > MOST_SERIES_BYTES or len(kept) > MOST_LABELS:
                raise ScrapeFailed("The labels of a series are longer than 64 KiB, or over 2,000.")
            series = self._by_labels.get(encoded) or self._make(encoded)
        self.by_text[text] = series
        return series

    def forget(self, kept: set[Series], told: int) -> None:
        """After a scrape: once many texts are known that nobody tells any more, start anew."""
        self.new = 0
        if len(self.by_text) > 2 * told + _FORGET:
            self.by_text.clear()
            self._by_labels = {series.labels: series for series in kept}

    def adopt(self, by_labels: Mapping[bytes, Series]) -> None:
        """Series that are told already; should they be told again they are no new ones."""
        self._by_labels.update(by_labels)

    def own(self, metric: str) -> bytes:
        """Labels of a figure of ours about the target, such as `up`."""
        return wire.labels_of({**self._naming.target, NAME: metric})

    def _make(self, encoded: bytes) -> Series:
        self.new += 1
        series = self._by_labels[encoded] = Series(encoded, wire.head_of(encoded))
        return series

    def _named(self, told: Labels) -> Labels | None:
        labels = self._with_target(told)
        if self._naming.relabel is not None:
            relabelled = self._naming.relabel(labels)
            if not relabelled:
                return None
            labels = relabelled
        if not labels.get(NAME):
            raise ScrapeFailed("Relabelling left a series without a name (__name__).")
        self._hold_limits(labels)
        return labels

    def _with_target(self, told: Labels) -> Labels:
        """The target's labels join; whose wins is the job's to say."""
        target = self._naming.target
        if self._naming.honor_labels:
            labels = {**target, **told}
            return {name: value for name, value in labels.items() if value}
        labels = {name: value for name, value in told.items() if value}
        clashes = sorted((name for name in target if name in labels), key=len)
        moved = [(name, labels[name]) for name in clashes]
        labels.update(target)
        for name, value in moved:
            while name in labels:
                name = f"exported_{name}"
            labels[name] = value
        return labels

    def _hold_limits(self, labels: Labels) -> None:
        limits = self._naming.limits
        whose = f"the metric {labels[NAME][:50]}"
        if limits.labels and len(labels) > limits.labels:
            raise ScrapeFailed(
                f"label_limit is {limits.labels}, but {whose} has {len(labels)} labels."
            )
        for name, value in labels.items():
            if limits.name_length and len(name.encode()) > limits.name_length:
                raise ScrapeFailed(
                    f"label_name_length_limit is {limits.name_length}, but a label of {whose} has a longer name."
                )
            if limits.value_length and len(value.encode()) > limits.value_length:
                raise ScrapeFailed(
                    f"label_value_length_limit is {limits.value_length}, but the label {name[:50]} of {whose} is longer."
                )
