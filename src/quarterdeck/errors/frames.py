"""A frame as grouping sees it: the same however it was built, bundled, started or symbolicated.

No line numbers, no columns, no addresses. `Call.unnamed` says that the function has no name that
means anything, be it anonymous or minified; only then does the line of source count.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from quarterdeck.errors.event import Frame
from quarterdeck.errors.functions import (
    class_name,
    is_noise,
    native_name,
    runs_a_class,
    script_name,
)
from quarterdeck.errors.paths import place_of

_MOST_CONTEXT = 160  # a longer line is minified, and changes with every build

_SCRIPTS = frozenset(("javascript", "node", "typescript", "bun", "deno"))
_BROWSERS = frozenset(("javascript", "typescript"))
_SCRIPT_FILE = re.compile(r"\.(?:m?js|cjs|jsx|tsx?|vue|svelte)(?:[?#:]|$)")
_BY_FILE = frozenset(("ruby", "php", "dart", "native", "cocoa", "swift", "rust", "c", "cpp"))
_NO_FILE = frozenset(("<anonymous>", "[native code]", "native", "<unknown>", "native code", "unknown", "anonymous"))  # fmt: skip
_MINIFIED = re.compile(r"[A-Za-z_$][\w$]?|[a-z]{2}\d|[$_]+\w?|\d+")

_FOREIGN_PATH = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|bower_components|gems(?=/[^/]+-\d)|pkg/mod|\.cargo"
    r"|\.pub-cache|\.rbenv|\.rvm|rubies|lib/(?:python|ruby)[\d.]*|rustc|go/src|usr/lib|usr/local/go|\(webpack\))/"
    r"|^(?:<frozen |<internal:|node:|internal/(?:process|modules|timers|streams)|dart:|package:flutter/|webpack/(?:bootstrap|runtime)|(?:chrome|moz|safari(?:-web)?)-extension:"
    r"|webpack:///?webpack/|\[native code\]|<anonymous>|native$|/System/Library/|/usr/lib/|/apex/|/system/)"
)
# Where "vendor" and "deps" hold what others wrote; elsewhere a vendor may be whom the shop buys from.
_VENDORED = frozenset(("php", "ruby", "go", "elixir"))
_VENDOR = re.compile(r"(?:^|/)(?:vendor|deps)/")
_FOREIGN_MODULE = {
    platform: re.compile(rf"(?:{modules})(?:[./:]|$)")
    for platform, modules in (
        (
            "java",
            r"javax?|jakarta|jdk|sun|com\.sun|kotlinx?|scala|groovy|androidx?|dalvik|libcore|com\.(?:google\.)?android"
            r"|org\.(?:springframework|apache|hibernate|eclipse|jboss|postgresql|junit|gradle|quartz)"
            r"|io\.(?:netty|undertow|micrometer|reactivex|ktor)|reactor|okhttp3|retrofit2|com\.zaxxer|com\.fasterxml",
        ),
        ("csharp", r"System|Microsoft|Mono|Npgsql|Newtonsoft"),
        ("go", r"(?!main(?:[./]|$))[a-z]\w*(?:/[a-z]\w*)*$"),  # no host: the standard library
        ("rust", r"core|std|alloc|tokio"),
        ("native", r"core|std|alloc|tokio"),
        (
            "elixir",
            r"Phoenix|Plug|Ecto|DBConnection|Postgrex|Enum|GenServer|Task|Process|gen_server|proc_lib|cowboy\w*"
            r"|elixir\w*|erl_\w+",
        ),
    )
}
_FOREIGN_PACKAGE = re.compile(
    r"/System/Library/|/usr/lib/|^(?:UIKit|UIKitCore|Foundation|CoreFoundation|SwiftUI|libsystem|libdispatch|libswift|dyld"
    r"|GraphicsServices|flutter|http|dio|System|Microsoft)(?:[\W_]|$)"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A frame without what varies."""

    function: str  # empty when unnamed
    place: str  # what it stands in, as it is hashed: the module where it has one, else the file
    file: str  # what it stands in, for people
    foreign: bool  # of a library or a runtime, as its path or module tells
    unnamed: bool
    noise: bool  # counts for nothing

    def __str__(self) -> str:
        where = self.place or "an unknown file"
        return f"{self.function or '(anonymous)'} in {where}"


def is_browser(platform: str) -> bool:
    return platform in _BROWSERS


def call_of(frame: Frame, platform: str) -> Call:
    return _call(
        frame.function, frame.module, frame.filename, frame.abs_path, frame.package, platform
    )


def context_of(frame: Frame) -> str:
    """The line of source, where a person wrote it."""
    line = frame.context_line
    if not line or len(line) > _MOST_CONTEXT or "{snip}" in line:
        return ""
    return " ".join(line.split())


@lru_cache(maxsize=4096)
def _call(
    function: str, module: str, filename: str, abs_path: str, package: str, platform: str
) -> Call:
    path = filename or abs_path
    slashed = (abs_path or path).replace("\\", "/")  # only the whole path names a library
    library = _FOREIGN_MODULE.get(platform)
    foreign = bool(
        _FOREIGN_PATH.search(slashed)
        or _FOREIGN_PATH.search(path)
        or (platform in _VENDORED and _VENDOR.search(slashed))
        or (module and library and library.match(module))
        or (package and _FOREIGN_PACKAGE.search(package))
    )
    noise = is_noise(function, module) or path == "<asynchronous suspension>"
    file = "" if path in _NO_FILE else place_of(path)
    if platform in _SCRIPTS or (platform in ("", "other") and _SCRIPT_FILE.search(path)):
        name = script_name(function)
        if _MINIFIED.fullmatch(name):
            name = ""
        noise = noise or (not file and (path in _NO_FILE or not name))
        return Call(name, file, file, foreign, not name, noise)
    name = native_name(function, platform == "ruby")
    kind, stands_for = class_name(module) if module else ("", "")
    if stands_for and (runs_a_class(name) or not name):
        name = stands_for
    if kind in ("__main__", "main", "app"):
        kind = ""
    place = (file or kind) if platform in _BY_FILE else (kind or file)
    place = place or _library(package)
    return Call(name, place, file or place, foreign, not name, noise or not (name or place))


def _library(package: str) -> str:
    """A library of an application: its path on a telephone has an id of its installation."""
    return package.replace("\\", "/").rpartition("/")[2].partition(",")[0]
