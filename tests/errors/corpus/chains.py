"""Exceptions that others caused; the one that was caught last stands last."""

from typing import Any

from errors.corpus.shapes import event, exception, java_frame, python_frame

_QUERY = python_frame("shop.store", "load", 12)
_SAVE = python_frame("shop.store", "save", 40)
_DRIVER = python_frame("psycopg.cursor", "execute", 97, app=False)


def _python(*exceptions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return event("python", "sentry.python", *exceptions, **more)


def _unique(value: str) -> dict[str, Any]:
    return exception("UniqueViolation", value, [_DRIVER], module="psycopg.errors")


_CART_ERROR = exception("CartError", "cannot save the cart", [_SAVE])
_ROOT = exception(
    "SQLException",
    "deadlock detected",
    [java_frame("com.acme.shop.Store", "write", 9)],
    module="java.sql",
)

CASES = [
    (
        "chain save",
        "as it first came",
        _python(_unique("Key (id)=(8812) already exists"), _CART_ERROR),
    ),
    ("chain save", "another key", _python(_unique("Key (id)=(9) already exists"), _CART_ERROR)),
    (
        "chain save other cause",
        "another cause",
        _python(exception("SerializationFailure", "could not serialize", [_DRIVER]), _CART_ERROR),
    ),
    ("chain save alone", "no cause", _python(_CART_ERROR)),
    (
        "chain load",
        "caused by the same, raised elsewhere",
        _python(
            _unique("Key (id)=(9) already exists"),
            exception("CartError", "cannot save the cart", [_QUERY]),
        ),
    ),
    (
        "chain many",
        "a group of two alike",
        _python(
            exception("ValueError", "row 1", [_QUERY]),
            exception("ValueError", "row 2", [_QUERY]),
            exception("ExceptionGroup", "2 rows", [_SAVE]),
        ),
    ),
    (
        "chain many",
        "a group of three alike",
        _python(
            exception("ValueError", "row 1", [_QUERY]),
            exception("ValueError", "row 2", [_QUERY]),
            exception("ValueError", "row 7", [_QUERY]),
            exception("ExceptionGroup", "3 rows", [_SAVE]),
        ),
    ),
    (
        "chain java",
        "as it first came",
        event(
            "java",
            "sentry.java",
            _ROOT,
            exception(
                "OrderFailed",
                "order 8812",
                [java_frame("com.acme.shop.Orders", "place", 30)],
                module="com.acme.shop",
            ),
        ),
    ),
    (
        "chain java",
        "another order",
        event(
            "java",
            "sentry.java",
            _ROOT,
            exception(
                "OrderFailed",
                "order 12",
                [java_frame("com.acme.shop.Orders", "place", 33)],
                module="com.acme.shop",
            ),
        ),
    ),
    (
        "chain first sdk",
        "a list without values",
        {
            "platform": "python",
            "sentry.interfaces.Exception": [exception("ValueError", "x", [_QUERY])],
        },
    ),
    (
        "chain first sdk",
        "one object",
        {"platform": "python", "exception": exception("ValueError", "y", [_QUERY])},
    ),
    (
        "thread",
        "the stack stands in the thread that crashed",
        {
            "platform": "native",
            "exception": {"values": [{"type": "SIGSEGV", "value": "Segfault"}]},
            "threads": {
                "values": [
                    {"id": 1, "stacktrace": {"frames": [{"function": "idle", "in_app": True}]}},
                    {
                        "id": 2,
                        "crashed": True,
                        "stacktrace": {
                            "frames": [
                                {
                                    "function": "render + 128",
                                    "package": "/opt/shop/bin/shop",
                                    "in_app": True,
                                }
                            ]
                        },
                    },
                ]
            },
        },
    ),
    (
        "thread",
        "at another address",
        {
            "platform": "native",
            "exception": {"values": [{"type": "SIGSEGV", "value": "Segfault"}]},
            "threads": {
                "values": [
                    {
                        "id": 2,
                        "crashed": True,
                        "stacktrace": {
                            "frames": [
                                {
                                    "function": "render + 160",
                                    "package": "/opt/shop/bin/shop",
                                    "in_app": True,
                                }
                            ]
                        },
                    }
                ]
            },
        },
    ),
]
