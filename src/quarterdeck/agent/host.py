"""Which machine this is: a resource in OpenTelemetry's words, the same for as long as it runs.

The machine's own id is hashed, since other programs on it use it as something like a secret.
"""

import hashlib
import platform
import re
import socket
import sys
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "x86", "armv7l": "arm32"}
_CLOUDS = (
    ("amazon", "aws"), ("google", "gcp"), ("microsoft", "azure"), ("digitalocean", "digital_ocean"),
    ("hetzner", "hetzner"), ("alibaba", "alibaba_cloud"), ("oracle", "oracle_cloud"),
    ("scaleway", "scaleway"), ("vultr", "vultr"), ("akamai", "akamai_cloud"), ("linode", "akamai_cloud"), ("upcloud", "upcloud"),
)  # fmt: skip
_CONTAINER = re.compile(r"(?:docker|containers?|libpod|cri|pods?)[^\s]*?[/-]([0-9a-f]{64})\b")
_DMI = Path("/sys/class/dmi/id")


def host_resource(name: str = "", environment: str = "") -> dict[str, str]:
    """The attributes; those that cannot be known are left out."""
    found = {
        "host.name": name or socket.gethostname() or "localhost",
        "host.id": _id(),
        "host.arch": _ARCHITECTURES.get(platform.machine(), platform.machine().lower()),
        "os.type": sys.platform.rstrip("0123456789"),
        "os.build_id": platform.release(),
        **_os(),
        "container.id": _container(),
        **_cloud(),
        "deployment.environment.name": environment,
    }
    return {key: value for key, value in found.items() if value}


def _id() -> str:
    machine = _read("/etc/machine-id") or _read("/var/lib/dbus/machine-id")
    return hashlib.sha256(f"quarterdeck {machine}".encode()).hexdigest()[:32] if machine else ""


def _os() -> dict[str, str]:
    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return {"os.description": f"{platform.system()} {platform.release()}"}
    return {
        "os.description": told.get("PRETTY_NAME", ""),
        "os.name": told.get("NAME", ""),
        "os.version": told.get("VERSION_ID", ""),
    }


def _container() -> str:
    found = _CONTAINER.search(_read("/proc/self/cgroup")) or _CONTAINER.search(
        _read("/proc/self/mountinfo")
    )
    return found.group(1) if found else ""


def _cloud() -> dict[str, str]:
    """What the firmware says; asking the cloud itself would be a request to the network."""
    maker = " ".join(_read(_DMI / name) for name in ("sys_vendor", "chassis_asset_tag")).lower()
    provider = next((cloud for word, cloud in _CLOUDS if word in maker), "")
    if not provider or (provider == "azure" and "7783-7084" not in maker):
        return {}  # Hyper-V outside Azure names the same maker
    return {"cloud.provider": provider, "host.type": _read(_DMI / "product_name")[:100]}


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
