"""Names of functions without what compilers, runtimes and builds add to them.

A function without a name counts as the one it stands in (`block in total`, `Total.func1`,
`anonymous fn/1 in Shop.Cart.total/1`, `<TotalAsync>d__5.MoveNext`, `total::{{closure}}`); when
nothing tells which one that is, its name is empty.
"""

import re

_NAMELESS = frozenset((
    "", "?", "??", "<anonymous>", "<unknown>", "<redacted>", "<lambda>", "<genexpr>", "<fn>", "{closure}",
    "<anonymous closure>",
))  # fmt: skip
_NAMELESS_SCRIPT = _NAMELESS | frozenset((
    "anonymous", "Anonymous function", "<computed>", "eval", "eval code", "global code", "module code",
))  # fmt: skip
_SCRIPT_ENDINGS = frozenset(("js", "ts", "jsx", "tsx", "mjs", "cjs", "vue", "svelte"))

# Objective-C's blocks, Erlang's funs.
_GENERATED = re.compile(
    r"_*(?:\d+([-+]\[[^\]]*\])|([A-Za-z]\w*?))_block_invoke.*|-(\w+)/\d+-(?:fun|lc|lists)\S*-"
)
_CLOSURE = re.compile(
    r"\{\{closure\}\}|\{closure(?:#\d+|:(?P<php>[^}]*?)(?:\(\))?:\d+)?\}|\{impl#\d+\}|<fn>|<anonymous closure>"
    r"|\.<locals>\.<lambda>|\.<lambda>"
)
_ADDRESS = re.compile(
    r"(?:\+ ?)?0x[0-9a-fA-F]+|::h[0-9a-f]{16}\b|\+ ?\d+$|(?<=@anonymous)[^$]*\$[0-9a-f]+|\.(?:constprop|isra|part|llvm|cold)\.?\d*"
)
_AS_TRAIT = re.compile(
    r"<(?:&?(?:mut )?(?:dyn )?)([^<>]+?)(?:<[^<>]*>)? as [^<>]+(?:<[^<>]*>)?>(?=::)"
)
_GENERIC = re.compile(r"(?<=[\w:])<(?!init>|clinit>|main>)[^<>]*>|`\d+(?:\[[^\]]*\])?")
_GO = re.compile(
    r"(?<=\w)\[[^\]]*\]|(?:\.func\d+(?:\.\d+)*|\.gowrap\d+|-fm|-range\d+|\.deferwrap\d+)+$"
)
_ARGUMENTS = re.compile(r"(?<=[\w>])\(.*", re.DOTALL)
_ARITY = re.compile(r"/\d+$")  # Elixir's and Erlang's
_COLONS = re.compile(r"::(?:::)+|::$|^::")
_ENDS = re.compile(r"^[.:\s]+|[.:\s]+$")

# What C# and the JVM generate.
_SHARP = re.compile(r"<(\w+)>(?:[bd]__|g__(?P<local>\w+)\||\$)[\w|]*")
_SHARP_CLASS = re.compile(r"[+./]?<>c(?:__DisplayClass[\w]*)?(?:`\d+)?")
_JVM = re.compile(
    r"lambda\$(?:(\w+?)\$)?\d*$|access\$(\w+)$|^(\w+)\$(?:suspendImpl|default|lambda\$\d+|lambda-\d+)$"
)
_JVM_CLASS = re.compile(
    r"\$\$(?!delegate).*|\$Proxy\d+.*|(?:\$\d+)+(?=\$|$)|\$[a-z]\w*(?=\$\d|$)|\$lambda[-$]\d+|/0x[0-9a-f]+|\$(?=$)"
)
_JVM_IN = re.compile(r"\$([a-z]\w*)(?:\$\d+)+(?:\$\w+)*$")
_RUNS = frozenset(
    (
        "invokeSuspend",
        "invoke",
        "run",
        "call",
        "apply",
        "accept",
        "get",
        "emit",
        "collect",
        "MoveNext",
    )
)

# "Repository`1", "github.com/acme/shop/v2", "gopkg.in/yaml.v3"
_MODULE_VERSION = re.compile(r"`\d+|/v\d+(?=$|[./])|(?<=\w)\.v\d+$|@anonymous.*")

_SCRIPT = re.compile(
    r"^(?:async\*?|new|get|set|static|bound|eval at|promiseReactionJob)\s+|^async\*|\s*\[as [^\]]*\]$|[/<*$]+$"
)
_SCRIPT_LAST = re.compile(r"^.*[./#]")
_SCRIPT_CALLEE = re.compile(r"_?callee\d*\$?|__webpack_require__|webpackJsonp\w*|_loop\d*|_temp\d*")

# Frames of runtimes that come and go with the runtime's version or the way something is awaited.
_NOISE = frozenset((
    "asyncGeneratorStep", "_asyncToGenerator", "__awaiter", "__generator", "Generator.next", "Generator.throw",
    "Generator.<anonymous>", "Generator.invoke [as _invoke]", "Generator._invoke", "processTicksAndRejections",
    "process.processTicksAndRejections", "runMicrotasks", "sentryWrapped", "<listcomp>", "<dictcomp>", "<setcomp>",
))  # fmt: skip
_NOISE_MODULE = re.compile(
    r"(?:java\.lang\.reflect|(?:jdk\.internal|sun)\.reflect|(?:com\.sun|jdk)\.proxy\d*|java\.lang\.invoke|kotlin\.coroutines\.jvm\.internal"
    r"|System\.Runtime\.(?:CompilerServices|ExceptionServices))\b"
)


def is_noise(function: str, module: str) -> bool:
    return function in _NOISE or bool(module and _NOISE_MODULE.match(module))


def script_name(function: str) -> str:
    """A function of JavaScript: Chrome tells the receiver's class, Firefox and Safari do not."""
    if function.isalpha() and function not in _NAMELESS_SCRIPT and function != "callee":
        return function  # as nearly all are
    before = ""
    while function != before:
        before, function = function, _SCRIPT.sub("", function)
    if function in _NAMELESS_SCRIPT or "://" in function or "(" in function:
        return ""
    last = _SCRIPT_LAST.sub("", function)
    if last in _SCRIPT_ENDINGS:
        return ""  # webpack calls a module's function by its file: Object../src/cart.js
    return "" if last in _NAMELESS_SCRIPT or _SCRIPT_CALLEE.fullmatch(last) else last


def native_name(function: str, ruby: bool = False) -> str:
    """A function of any other language."""
    if function in _NAMELESS:
        return ""
    if function.isidentifier() and "_block_invoke" not in function:
        return function  # as nearly all are
    if generated := _GENERATED.fullmatch(function):
        function = generated[1] or generated[2] or generated[3]
    if (closure := _CLOSURE.search(function)) and closure["php"]:
        function = closure["php"]
    if "<" in function and (sharp := _SHARP.search(function)):
        local = sharp["local"] or sharp[1]
        function = function[: sharp.start()] + local
        function = _SHARP_CLASS.sub("", function)
    elif "$" in function and (jvm := _JVM.search(function)):
        function = jvm[1] or jvm[2] or jvm[3] or ""
    function = _CLOSURE.sub("", function)
    if function.startswith(("-[", "+[")):  # Objective-C
        return _ADDRESS.sub("", function[: function.find("]") + 1]) or ""
    function = _ADDRESS.sub("", _GO.sub("", function))
    for _ in range(8):
        plain = _GENERIC.sub("", function)
        if plain == function:
            break
        function = plain
    function = (
        _ARGUMENTS.sub("", _AS_TRAIT.sub(r"\1", function))
        .replace(".<locals>", "")
        .replace("()", "")
    )
    function = _COLONS.sub("::", _ARITY.sub("", function))
    # "block (2 levels) in total", "closure #1 in Cart.total", "async Task<int> Cart.total"
    function = _ENDS.sub("", function).replace(" (required)>", ">").rpartition(" ")[2]
    if ruby:  # 3.4 names the class as well
        function = function.rpartition("#")[2].rpartition(".")[2]
    return "" if function in _NAMELESS else _ENDS.sub("", function)


def class_name(module: str) -> tuple[str, str]:
    """A module or class, and the function that a generated class stands for."""
    function = ""
    if "<" in module:
        if sharp := _SHARP.search(module):
            function = sharp["local"] or sharp[1]
            module = module[: sharp.start()].rstrip("<")
        module = _SHARP_CLASS.sub("", module).rstrip("+./")
    if "$" in module:
        if inside := _JVM_IN.search(module):
            function = inside[1]
        module = _JVM_CLASS.sub("", module)
    if module.startswith("Elixir."):
        module = module[7:]
    return _MODULE_VERSION.sub("", module), function


def runs_a_class(function: str) -> bool:
    """Whether this is how a generated class is called, so that the class tells the function."""
    return function in _RUNS
