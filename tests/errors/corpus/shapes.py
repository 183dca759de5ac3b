"""What SDKs make of an exception: the fields each of them sends, spelled as it spells them."""

from typing import Any

Event = dict[str, Any]


def exception(kind: str, value: str, frames: list[Event], **more: Any) -> Event:
    return {
        "type": kind,
        "value": value,
        "mechanism": {"type": "generic", "handled": False},
        "stacktrace": {"frames": frames},
        **more,
    }


def event(platform: str, sdk: str, *exceptions: Event, **more: Any) -> Event:
    return {
        "event_id": "9d2f6a5e8b9c0d4b7e9c1d7f3e2b1c0d",
        "timestamp": 1795859400.25,
        "platform": platform,
        "level": "error",
        "sdk": {"name": sdk, "version": "9.1.0"},
        "release": "shop@1.0.0",
        "environment": "production",
        "exception": {"values": list(exceptions)},
        **more,
    }


def python_frame(
    module: str, function: str, line: int, *, app: bool = True, code: str = ""
) -> Event:
    path = module.replace(".", "/") + ".py"
    root = "/srv/app/" if app else "/srv/app/.venv/lib/python3.11/site-packages/"
    return {
        "module": module,
        "function": function,
        "filename": path,
        "abs_path": root + path,
        "lineno": line,
        "context_line": code,
        "pre_context": [],
        "post_context": [],
        "in_app": app,
        "vars": {"self": "<Cart object at 0x7f3e2b1c0d4a>", "number": "8812"},
    }


def python(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event(
        "python",
        "sentry.python.django",
        exception(kind, value, list(frames), module="builtins"),
        server_name="web-1",
        **more,
    )


def script_frame(function: str | None, url: str, line: int, column: int, **more: Any) -> Event:
    frame = {"filename": url, "lineno": line, "colno": column, "in_app": True, **more}
    return frame if function is None else {**frame, "function": function}


def browser(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event(
        "javascript",
        "sentry.javascript.browser",
        exception(kind, value, list(frames), mechanism={"type": "onerror", "handled": False}),
        request={
            "url": "https://shop.example/cart",
            "headers": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Firefox/132.0"},
        },
        **more,
    )


def node_frame(function: str, path: str, line: int, *, app: bool = True, **more: Any) -> Event:
    return {
        "function": function,
        "filename": path,
        "module": path.rsplit("/", 1)[-1].removesuffix(".js"),
        "lineno": line,
        "colno": 13,
        "in_app": app,
        **more,
    }


def node(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("node", "sentry.javascript.node", exception(kind, value, list(frames)), **more)


def java_frame(module: str, function: str, line: int, *, app: bool = True) -> Event:
    file = module.rsplit(".", 1)[-1].split("$", 1)[0] + ".java"
    return {
        "module": module,
        "function": function,
        "filename": file,
        "lineno": line,
        "in_app": app,
    }


def java(kind: str, value: str, *frames: Event, module: str = "java.lang", **more: Any) -> Event:
    return event(
        "java",
        "sentry.java.spring-boot",
        exception(kind, value, list(frames), module=module),
        **more,
    )


def go_frame(module: str, function: str, path: str, line: int, *, app: bool = True) -> Event:
    return {
        "function": function,
        "module": module,
        "abs_path": path,
        "filename": path.rsplit("/", 1)[-1],
        "lineno": line,
        "in_app": app,
    }


def go(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("go", "sentry.go", exception(kind, value, list(frames)), **more)


def file_frame(function: str, path: str, line: int, *, app: bool = True, **more: Any) -> Event:
    """Ruby, PHP, Rust, Dart, Swift with symbols: a function and a file."""
    return {
        "function": function,
        "filename": path,
        "abs_path": path if path.startswith("/") else "/srv/app/" + path,
        "lineno": line,
        "in_app": app,
        **more,
    }


def ruby(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event(
        "ruby", "sentry.ruby.rails", exception(kind, value, list(frames), module=""), **more
    )


def php(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("php", "sentry.php.laravel", exception(kind, value, list(frames)), **more)


def sharp_frame(module: str, function: str, line: int = 0, *, app: bool = True) -> Event:
    name = module.split("+", 1)[0].rsplit(".", 1)[-1]
    return {
        "module": module,
        "function": function,
        "filename": f"C:\\build\\shop\\src\\{name}.cs" if line else None,
        "abs_path": f"C:\\build\\shop\\src\\{name}.cs" if line else None,
        "lineno": line,
        "package": "Shop, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null",
        "instruction_addr": "0x1f",
        "in_app": app,
    }


def sharp(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("csharp", "sentry.dotnet.aspnetcore", exception(kind, value, list(frames)), **more)


def rust(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("native", "sentry.rust", exception(kind, value, list(frames)), **more)


def swift_frame(
    function: str, package: str, address: str, *, app: bool = True, file: str = ""
) -> Event:
    return {
        "function": function,
        "package": package,
        "filename": file or None,
        "instruction_addr": address,
        "image_addr": "0x100000000",
        "in_app": app,
    }


def swift(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("cocoa", "sentry.cocoa", exception(kind, value, list(frames)), **more)


def elixir_frame(module: str, function: str, path: str, line: int, *, app: bool = True) -> Event:
    return {"module": module, "function": function, "filename": path, "lineno": line, "in_app": app}


def elixir(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("elixir", "sentry-elixir", exception(kind, value, list(frames)), **more)


def dart_frame(function: str, package: str, file: str, line: int, *, app: bool = True) -> Event:
    return {
        "function": function,
        "package": package,
        "filename": file.rsplit("/", 1)[-1],
        "abs_path": f"package:{package}/{file}",
        "lineno": line,
        "colno": 9,
        "in_app": app,
    }


def dart(kind: str, value: str, *frames: Event, **more: Any) -> Event:
    return event("dart", "sentry.dart.flutter", exception(kind, value, list(frames)), **more)


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

# An event that has everything, to be spoiled.
RICH: Event = {
    **python("ValueError", "x", python_frame("a.b", "c", 4)),
    "logentry": {"message": "%s of %s", "params": ["a", 1], "formatted": ""},
    "threads": {"values": [{"crashed": True, "stacktrace": {"frames": [{"function": "f"}]}}]},
    "stacktrace": {"frames": [{"function": "g", "filename": "a/b.c"}]},
    "tags": [["a", "b"], ["replayId", TRACE]],
    "user": {"id": 7, "email": "ada@example.com", "username": "ada", "ip_address": "10.0.0.1"},
    "request": {
        "url": "https://shop.example/",
        "method": "get",
        "headers": [["User-Agent", CHROME]],
    },
    "contexts": {
        "trace": {"trace_id": TRACE, "span_id": "00f067aa0ba902b7"},
        "browser": {"name": "Chrome", "version": "131.0.0"},
        "os": {"name": "Windows", "version": "10"},
        "device": {"model": "x"},
        "replay": {"replay_id": TRACE},
        "otel": {"resource": {"service.name": "shop"}},
    },
    "fingerprint": ["{{ default }}", "x"],
    "transaction": "/cart",
    "culprit": "a.b",
    "logger": "shop",
    "dist": "1",
    "server_name": "web-1",
}
