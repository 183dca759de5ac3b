"""What a target is called and where it is asked, from what discovery found and the job says.

Labels that begin with `__` are for relabelling alone: what is left of `__address__`, `__scheme__`,
`__metrics_path__`, `__param_NAME`, `__scrape_interval__` and `__scrape_timeout__` afterwards is what
holds. As Prometheus does it, so that relabel_configs mean here what they mean there.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from quarterdeck.telemetry.scrape import units
from quarterdeck.telemetry.scrape.discovery import Group
from quarterdeck.telemetry.scrape.relabel import Labels, relabelling
from quarterdeck.telemetry.scrape.spec import MOST_TARGETS, ScrapeJobSpec

_ADDRESS = re.compile(r"[^/?#@\s\x00-\x1f]{1,1024}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask, how often, and the labels of what it tells."""

    url: str
    labels: Mapping[str, str]
    discovered: Mapping[str, str]
    interval_ms: int
    timeout_ms: int
    flaw: str = ""  # why it cannot be asked

    @property
    def key(self) -> bytes:
        """The same over restarts: its labels and its address."""
        parts = [self.url, *(part for pair in sorted(self.labels.items()) for part in pair)]
        return hashlib.sha256("\0".join(parts).encode()).digest()


@dataclass(slots=True)
class Targets:
    """All of one job."""

    active: dict[bytes, Target]
    dropped: list[Labels]  # as they were discovered
    dropped_count: int = 0


def targets_of(name: str, spec: ScrapeJobSpec, groups: Iterable[Group]) -> Targets:
    """Every target that relabelling leaves, once each."""
    relabel = relabelling(spec.relabel_configs)
    targets = Targets({}, [])
    most_shown = spec.keep_dropped_targets or 100
    seen = 0
    for labels in (labels for group in groups for labels in group):
        seen += 1
        if seen > MOST_TARGETS:
            break
        found = _with_defaults(name, spec, labels)
        kept = relabel(found) if relabel else found
        if not kept:
            targets.dropped_count += 1
            if len(targets.dropped) < most_shown:
                targets.dropped.append(found)
            continue
        target = _target(spec, found, kept)
        targets.active.setdefault(target.key, target)
    flaw = _too_many(spec, seen, len(targets.active))
    if flaw:
        for key, target in targets.active.items():
            targets.active[key] = _flawed(target, flaw)
    return targets


def _too_many(spec: ScrapeJobSpec, seen: int, active: int) -> str:
    if spec.target_limit and active > spec.target_limit:
        return f"target_limit is {spec.target_limit}, but the job has {active} targets."
    return f"A job may have {MOST_TARGETS} targets." if seen > MOST_TARGETS else ""


def _flawed(target: Target, flaw: str) -> Target:
    return Target(
        target.url, target.labels, target.discovered, target.interval_ms, target.timeout_ms, flaw
    )


def _with_defaults(name: str, spec: ScrapeJobSpec, labels: Labels) -> Labels:
    params = {f"__param_{key}": values[0] for key, values in spec.params.items() if values}
    return {
        "job": spec.job_name or name,
        "__scrape_interval__": spec.scrape_interval,
        "__scrape_timeout__": units.duration(spec.timeout_ms),
        "__metrics_path__": spec.metrics_path,
        "__scheme__": spec.scheme,
        **params,
        **{key: value for key, value in labels.items() if value},
    }


def _target(spec: ScrapeJobSpec, discovered: Labels, labels: Labels) -> Target:
    address = labels.get("__address__", "")
    interval, timeout, flaw = spec.interval_ms, spec.timeout_ms, ""
    if not _ADDRESS.fullmatch(address):
        flaw = "The target's __address__ is no host:port."
    elif labels.get("__scheme__") not in ("http", "https"):
        flaw = "The target's __scheme__ is neither http nor https."
    else:
        try:
            interval = units.milliseconds(labels.get("__scrape_interval__", ""))
            timeout = units.milliseconds(labels.get("__scrape_timeout__", ""))
            if not (interval >= 1000 and 0 < timeout <= interval):
                raise ValueError
        except ValueError:
            interval, timeout = spec.interval_ms, spec.timeout_ms
            flaw = "The target's __scrape_interval__ and __scrape_timeout__ do not fit together."
    public = {key: value for key, value in labels.items() if not key.startswith("__")}
    public.setdefault("instance", address)
    return Target(_url(spec, labels, address), public, discovered, interval, timeout, flaw)


def _url(spec: ScrapeJobSpec, labels: Labels, address: str) -> str:
    params: dict[str, list[str]] = {key: list(values) for key, values in spec.params.items()}
    for key, value in labels.items():
        if key.startswith("__param_"):
            params[key[8:]] = [value, *params.get(key[8:], [])[1:]]
    query = urlencode(sorted(params.items()), doseq=True)
    path = quote(labels.get("__metrics_path__", ""), safe="/:@!$&'()*+,;=~")
    whole = f"{labels.get('__scheme__', '')}://{address}{path}"
    return f"{whole}?{query}" if query else whole
