"""Which targets a job has: as written, from files, from DNS.

Guarantees. A file is read again when it has changed, and a file or a name that cannot be read
leaves the targets that it had before. Only files within one directory are read, also by way of
links: whoever may write a job may write to no file of the machine, nor read one that was not put
there for it.
"""

import asyncio
import fnmatch
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from quarterdeck.telemetry.scrape import units
from quarterdeck.telemetry.scrape.spec import DnsTargets, FileTargets, ScrapeJobSpec, StaticTargets

Group = list[dict[str, str]]
"""Targets by their labels, among them `__address__`."""

MOST_FILES = 1000  # of one job
_MOST_FILE_BYTES = 10 * 1024 * 1024
_DNS_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _File:
    stamp: tuple[int, int, int]
    group: Group


@dataclass(slots=True)
class _Name:
    due_ms: int = 0
    group: Group = field(default_factory=list)


class Discovery:
    """The targets of one job, as they come and go."""

    def __init__(self, spec: ScrapeJobSpec, directory: Path) -> None:
        self._spec = spec
        self._directory = directory
        self._static = [_static(each) for each in spec.static_configs]
        self._files: dict[Path, _File] = {}
        self._names: dict[tuple[int, str], _Name] = {}
        self.flaws: dict[str, str] = {}  # what could not be read, and why

    @property
    def changes(self) -> bool:
        """Whether there may be other targets than at first."""
        return bool(self._spec.file_sd_configs or self._spec.dns_sd_configs)

    async def look(self, now_ms: int) -> list[Group]:
        """What there is now; costs nothing but a look at files where nothing is due."""
        groups = list(self._static)
        if self._spec.file_sd_configs:
            groups += await asyncio.to_thread(self._look_at_files)
        for place, config in enumerate(self._spec.dns_sd_configs):
            groups += await self._look_up(place, config, now_ms)
        return groups

    def _look_at_files(self) -> list[Group]:
        found = sorted(set(self._paths(self._spec.file_sd_configs)))[:MOST_FILES]
        for gone in self._files.keys() - set(found):
            del self._files[gone]
        for path in found:
            flaw = self._read(path)
            self._note(str(path.name), flaw)
        return [self._files[path].group for path in found if path in self._files]

    def _paths(self, configs: Sequence[FileTargets]) -> Iterator[Path]:
        """Regular files within the directory, after every link."""
        root = self._directory.resolve()
        for pattern in (pattern for config in configs for pattern in config.files):
            path = root / pattern
            if "*" not in path.name:
                names = [path.name]
            else:
                try:
                    names = fnmatch.filter(os.listdir(path.parent), path.name)
                except OSError:
                    names = []
            inside = False
            for name in names:
                real = (path.parent / name).resolve()
                if real.is_relative_to(root):
                    inside = True
                    yield real
            missing = "" if inside else f"Nothing of that name is in {root}."
            self._note(pattern, missing)

    def _read(self, path: Path) -> str:
        """Bring one file up to date; why it cannot be, or nothing."""
        known = self._files.get(path)
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if known is not None and known.stamp == stamp:
                return self.flaws.get(path.name, "")
            if not path.is_file() or status.st_size > _MOST_FILE_BYTES:
                return "It is no file of at most 10 MB."
            text = path.read_bytes()
            group = _groups(_parsed(path.suffix, text), path)
        except OSError as error:
            return f"It cannot be read: {error.strerror}."
        except ValueError as error:
            if known is not None:
                known.stamp = stamp  # not read again until it changes
            return str(error)
        self._files[path] = _File(stamp, group)
        return ""

    async def _look_up(self, place: int, config: DnsTargets, now_ms: int) -> list[Group]:
        names = [self._names.setdefault((place, name), _Name()) for name in config.names]
        due = [
            (name, known)
            for name, known in zip(config.names, names, strict=True)
            if known.due_ms <= now_ms
        ]
        if due:
            every_ms = max(1000, units.milliseconds(config.refresh_interval))
            for _, known in due:
                known.due_ms = now_ms + every_ms
            await asyncio.gather(*(self._resolve(config, name, known) for name, known in due))
        return [known.group for known in names]

    async def _resolve(self, config: DnsTargets, name: str, known: _Name) -> None:
        try:
            known.group = await resolve(config, name)
        except DnsFailed as error:
            self._note(name, str(error))
        else:
            self._note(name, "")

    def _note(self, source: str, flaw: str) -> None:
        if not flaw:
            self.flaws.pop(source, None)
        elif self.flaws.get(source) != flaw:
            self.flaws[source] = flaw
            log.warning("Targets could not be read from %s: %s", source, flaw)


class DnsFailed(Exception):
    """A name that could not be looked up, and why."""


async def resolve(config: DnsTargets, name: str) -> Group:
    """What the system's name servers say; a name that does not exist has no targets."""
    # Imported here: servers without DNS targets need none of it.
    import dns.asyncresolver
    import dns.exception
    import dns.resolver

    try:
        answer = await dns.asyncresolver.resolve(
            name, config.type, search=True, lifetime=_DNS_SECONDS, raise_on_no_answer=False
        )
    except dns.resolver.NXDOMAIN:
        return []
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise DnsFailed(f"The name could not be looked up ({type(error).__name__}).") from error
    return [_of_record(config, name, record) for record in answer.rrset or ()]


def _of_record(config: DnsTargets, name: str, record: Any) -> dict[str, str]:
    labels = {"__meta_dns_name": name}
    if config.type == "SRV":
        host = record.target.to_text(omit_final_dot=True)
        labels["__meta_dns_srv_record_target"] = record.target.to_text()
        labels["__meta_dns_srv_record_port"] = str(record.port)
        return {**labels, "__address__": f"{host}:{record.port}"}
    host = f"[{record.address}]" if config.type == "AAAA" else record.address
    return {**labels, "__address__": f"{host}:{config.port}"}


def _static(config: StaticTargets) -> Group:
    return [{**config.labels, "__address__": target} for target in config.targets]


def _parsed(suffix: str, text: bytes) -> Any:
    try:
        return orjson.loads(text) if suffix == ".json" else yaml.safe_load(text)
    except (orjson.JSONDecodeError, yaml.YAMLError, RecursionError, UnicodeDecodeError):
        raise ValueError("It is neither JSON nor YAML.") from None


def _groups(data: Any, path: Path) -> Group:
    """The targets of a file; ValueError when it is not as file_sd wants it."""
    wrong = "It is no list of `targets` and `labels`, all of them texts."
    found: Group = []
    if not isinstance(data, list):
        raise ValueError(wrong)
    for group in data:
        if not isinstance(group, dict) or not group.keys() <= {"targets", "labels"}:
            raise ValueError(wrong)
        targets, labels = group.get("targets", []), group.get("labels") or {}
        if not isinstance(targets, list) or not isinstance(labels, dict):
            raise ValueError(wrong)
        texts = [*targets, *labels, *labels.values()]
        if not all(isinstance(text, str) and len(text) <= 4096 for text in texts):
            raise ValueError(wrong)
        shared = {"__meta_filepath": str(path), **labels}
        found += [{**shared, "__address__": target} for target in targets]
    return found
