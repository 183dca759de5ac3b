"""Grafana's units under our names, and its colours as tones.

Facts of Grafana's value formats: `bytes` counts in 1024s and `decbytes` in 1000s, `percent` is
out of 100 and `percentunit` out of 1.
"""

import colorsys
import re

UNITS = {
    "": "", "none": "", "short": "", "locale": "count", "sishort": "",
    "percent": "percent", "percentunit": "share",
    "s": "seconds", "ms": "milliseconds", "µs": "microseconds", "us": "microseconds", "ns": "nanoseconds",
    "m": "minutes", "h": "hours", "d": "days", "dtdurations": "seconds", "dtdurationms": "milliseconds",
    "dthms": "seconds", "clocks": "seconds", "clockms": "milliseconds",
    "bytes": "bytes_iec", "decbytes": "bytes", "bits": "bits", "decbits": "bits",
    "Bps": "bytes_per_second", "binBps": "bytes_iec_per_second", "bps": "bits_per_second", "binbps": "bits_per_second",
    "reqps": "per_second", "ops": "per_second", "rps": "per_second", "wps": "per_second", "iops": "per_second",
    "cps": "per_second", "pps": "per_second", "eps": "per_second", "mps": "per_second", "hertz": "hertz",
    "opm": "per_minute", "reqpm": "per_minute", "rpm": "per_minute", "wpm": "per_minute", "cpm": "per_minute",
    "celsius": "°C", "farenheit": "°F", "fahrenheit": "°F", "kelvin": "K", "volt": "V", "watt": "W", "amp": "A",
    "kwatt": "kW", "watth": "Wh", "kwatth": "kWh", "joule": "J", "ohm": "Ω", "rotrpm": "rpm", "degree": "°",
    "humidity": "% rH", "dB": "dB", "dBm": "dBm", "pressurehpa": "hPa", "lengthm": "m", "currencyUSD": "$",
    "currencyEUR": "€", "currencyGBP": "£", "kbytes": "KiB", "mbytes": "MiB", "gbytes": "GiB", "deckbytes": "kB",
    "decmbytes": "MB", "decgbytes": "GB", "KBs": "kB/s", "MBs": "MB/s", "GBs": "GB/s", "Kbits": "kbit/s",
    "Mbits": "Mbit/s", "packetssec": "packets/s",
}  # fmt: skip

_NAMED = {
    "green": "good", "red": "critical", "orange": "warning", "yellow": "warning", "blue": "info",
    "purple": "info", "text": "neutral", "transparent": "neutral", "gray": "neutral", "grey": "neutral",
    "white": "neutral", "black": "neutral",
}  # fmt: skip
_RGB = re.compile(r"rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)")
_HEX = re.compile(r"#([0-9a-fA-F]{6})")
_RED, _AMBER, _GREEN, _BLUE = 20 / 360, 70 / 360, 170 / 360, 320 / 360


def unit_of(name: str) -> tuple[str, bool]:
    """Our unit, and whether it is known; an unknown one is written behind the figure."""
    if name in UNITS:
        return UNITS[name], True
    for prefix in ("suffix:", "prefix:", "si:", "short:", "time:", "count:", "currency:"):
        if name.startswith(prefix):
            return name.removeprefix(prefix).strip()[:30], prefix == "suffix:"
    return name[:30], False


def tone_of(color: str) -> str:
    """`semi-dark-red`, `#E02F44` and `rgba(50, 172, 45, 0.97)` are tones too."""
    for name, tone in _NAMED.items():
        if name in color.lower():
            return tone
    if found := _HEX.match(color):
        parts = [int(found[1][at : at + 2], 16) for at in (0, 2, 4)]
    elif found := _RGB.match(color):
        parts = [min(255, int(part[:4])) for part in found.groups()]
    else:
        return "neutral"
    hue, _, colourful = colorsys.rgb_to_hls(*(part / 255 for part in parts))
    if colourful < 0.15:
        return "neutral"
    if hue < _RED or hue > _BLUE:
        return "critical"
    return "warning" if hue < _AMBER else "good" if hue < _GREEN else "info"
