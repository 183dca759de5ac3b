"""Names of files without what changes from build to build and from machine to machine.

    place_of("https://cdn.example/v42/static/js/main.8f3a2c.js?v=7")     # "js/main.js"
    place_of("/srv/releases/20261128/.venv/lib/python3.11/site-packages/django/db/utils.py")
                                                                         # "django/db/utils.py"

A file of a library is named from the library on; one of the application, when its path is absolute,
by its last two parts, since the parts before them belong to the machine.
"""

import re

# Where the name of a library begins. The last one counts: libraries contain libraries.
_LIBRARY = re.compile(
    r".*(?:^|/)(?:site-packages|dist-packages|node_modules|bower_components|jspm_packages"
    r"|vendor/bundle/ruby/[\d.]+/(?:bundler/)?gems|gems/[\d.]+/(?:bundler/)?gems|gems(?=/[^/]+-\d)|pkg/mod"
    r"|\.cargo/registry/src/[^/]+|\.cargo/git/checkouts|\.pub-cache/hosted/[^/]+)/"
)
_STANDARD = re.compile(
    r".*(?:^|/)(?:usr(?:/local)?/lib/(?:python|ruby)[\d./]*|lib/(?:python|ruby/)[\d.]+|rustc/[0-9a-f]+/library"
    r"|go/src/(?=(?:runtime|net|internal|reflect|database|encoding|testing|sync)/))/?"
)
_ADDRESS = re.compile(r"(?:async\*)?(?:([a-z][a-z0-9+.-]*):)?//[^/]*")
# Bundlers' schemes: what follows is a path within the project.
_PROJECT = frozenset(("webpack", "webpack-internal", "turbopack", "app", "ng", "rsc"))
_QUERY = re.compile(r"[?#].*")
_GROUPED = re.compile(r"^/?\([\w-]+\)/")  # webpack names a layer: (app-pages-browser)/./src/x.ts
_DOTS = re.compile(r"(?:^|(?<=/))\.{1,2}/")
_VERSION = re.compile(r"(?<=[\w.])[@-]v?\d+\.\d+[\w.+-]*?(?=/|$|\.(?:min\.)?\w{1,4}$)|/v\d+(?=/)")
_BUILD = re.compile(r"/(?:[0-9a-f]{7,64}|\d{6,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?=/)")
_BUNDLE = re.compile(r"\.(?:m?js|cjs|css)$")
_KIND = re.compile(r"\.(?:min|chunk|bundle|prod|production|development|esm|umd|es5|es2015)(?=\.)")
# Webpack: main.8f3a2c1d.js; Next: page-8f3a2c1d9e0b.js; Vite: index-BxK3a9Zq.js; esbuild: chunk-5XQ2JZ7A.js
_HEX = re.compile(r"[.\-_~](?=[a-f]*\d)[0-9a-f]{6,64}(?=[.\-_~])|^(?=[a-f]*\d)[0-9a-f]{6,64}(?=\.)")
_TOKEN = re.compile(r"[.-]([A-Za-z0-9_-]{8}|[A-Z0-9]{8}|[A-Za-z0-9_-]{20,24})(?=\.m?js$)")
# What may be eight letters of a name rather than of a hash: check-in, checkout, OrderRow.
_WORDS = re.compile(r"[a-z]+(?:[-_][a-z]+)*|[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})*")
_NUMBERED = re.compile(r"^\d+(?=\.)")
_POSITION = re.compile(r":\d+(?::\d+)?$")


def place_of(path: str) -> str:
    """The file's name as it stands in a group; empty when the path names none."""
    if path.startswith(("blob:", "data:")):
        return ""  # an id of its own in every page
    path = _POSITION.sub("", path.replace("\\", "/"))
    absolute = path.startswith("/") or path[1:3] == ":/"
    if address := _ADDRESS.match(path):
        path, absolute = _QUERY.sub("", path[address.end() :]), address[1] not in _PROJECT
    path = _DOTS.sub("", _GROUPED.sub("", path.lstrip("/")))
    if library := _LIBRARY.match(path):
        path, absolute = path[library.end() :], False
    elif standard := _STANDARD.match(path):
        path, absolute = path[standard.end() :], False
    path = _BUILD.sub("", _VERSION.sub("", "/" + path)).strip("/")
    folder, _, file = path.rpartition("/")
    file = _without_hash(file)
    if absolute:
        folder = folder.rpartition("/")[2]
    return f"{folder}/{file}" if folder else file


def _without_hash(file: str) -> str:
    file = _KIND.sub("", file)
    if not _BUNDLE.search(file):
        return file
    if (token := _TOKEN.search(file)) and not _WORDS.fullmatch(token[1]):
        file = file[: token.start()] + file[token.end() :]
    return _NUMBERED.sub("#", _HEX.sub("", file))
