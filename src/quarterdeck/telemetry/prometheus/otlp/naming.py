"""What OTLP metrics and attributes are called in Prometheus.

The rules of OpenTelemetry's specification, "Prometheus and OpenMetrics Compatibility", with the
words for units that Prometheus' own OTLP receiver uses. Pure functions.
"""

import re
from collections.abc import Iterable, Mapping

_UNITS = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds",
    "us": "microseconds", "ns": "nanoseconds",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes",
    "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
    "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
    "Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
}  # fmt: skip
_PER = {
    "s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week",
    "mo": "month", "y": "year",
}  # fmt: skip
_BRACKETS = re.compile(r"\{[^{}]*\}")
_NO_NAME = re.compile(r"[^a-zA-Z0-9:]+")
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")

SERVICE = "service.name"
NAMESPACE = "service.namespace"
INSTANCE = "service.instance.id"
HOST = "host.name"
ENVIRONMENT = "deployment_environment_name"


def metric_name(name: str, unit: str, type: str, monotonic: bool) -> str:
    """The name of a metric family; histograms and summaries add their own endings to it."""
    words = [word for word in _NO_NAME.split(name) if word]
    main, per = _unit_words(unit)
    if main and main not in words:
        words.append(main)
    if per and per not in words:
        words += ["per", per]
    if type == "sum" and monotonic:
        words = [word for word in words if word != "total"] + ["total"]
    elif type == "gauge" and unit.strip() == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    found = "_".join(words) or "_"
    return f"_{found}" if found[0].isdigit() else found


def unit_name(unit: str) -> str:
    """The unit in words, such as `bytes_per_second`."""
    main, per = _unit_words(unit)
    return "_per_".join(filter(None, (main, per))) if main or not per else f"per_{per}"


def _unit_words(unit: str) -> tuple[str, str]:
    main, _, per = _BRACKETS.sub("", unit).strip().partition("/")
    main, per = main.strip(), per.strip()
    return _UNITS.get(main, _word(main)), _PER.get(per, _word(per))


def _word(text: str) -> str:
    return re.sub(r"_+", "_", _NO_LABEL.sub("_", text)).strip("_")


def label_name(key: str) -> str:
    """An attribute's key as a label's name."""
    found = re.sub(r"_+", "_", _NO_LABEL.sub("_", key)) or "_"
    return f"key_{found}" if found[0].isdigit() else found


def labels_of(attributes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Attributes as labels; values of keys that become one name are joined in the keys' order."""
    found: dict[str, str] = {}
    for key, value in sorted(attributes):
        name = label_name(key)
        found[name] = f"{found[name]};{value}" if name in found else value
    return found


def target_labels(resource: Mapping[str, str]) -> dict[str, str]:
    """`job` and `instance` of a resource.

    Without service.instance.id the host tells instances apart, so that the counters of two
    machines do not become one.
    """
    job = resource.get(SERVICE, "")
    if job and (namespace := resource.get(NAMESPACE, "")):
        job = f"{namespace}/{job}"
    instance = resource.get(INSTANCE, "") or resource.get(HOST, "")
    return {name: value for name, value in (("job", job), ("instance", instance)) if value}


def info_labels(resource: Mapping[str, str]) -> dict[str, str]:
    """The labels of `target_info`: the resource without what `job` and `instance` say."""
    rest = ((k, v) for k, v in resource.items() if k not in (SERVICE, NAMESPACE, INSTANCE))
    return {**labels_of(rest), **target_labels(resource)}
