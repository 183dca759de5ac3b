"""Events without a stack, and fingerprints."""

from typing import Any

from errors.corpus.shapes import node_frame, python, python_frame

_PLACE = python_frame("shop.mail", "send", 12)
_ELSEWHERE = python_frame("shop.queue", "drain", 8)

CASES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "msg paid",
        "a template and its parameters",
        {
            "platform": "python",
            "logger": "shop",
            "logentry": {"message": "Order %s paid twice", "params": ["8812"]},
        },
    ),
    (
        "msg paid",
        "other parameters, filled in",
        {
            "platform": "python",
            "logger": "shop",
            "logentry": {
                "message": "Order %s paid twice",
                "params": ["9"],
                "formatted": "Order 9 paid twice",
            },
        },
    ),
    (
        "msg paid",
        "the interface's first name",
        {
            "platform": "python",
            "sentry.interfaces.Message": {"message": "Order %s paid twice", "params": [7]},
        },
    ),
    (
        "msg filled in",
        "filled in before it was sent",
        {"platform": "node", "message": "Order 8812 of ada@example.com failed after 12ms"},
    ),
    (
        "msg filled in",
        "other figures",
        {"platform": "node", "message": "Order 9 of bo@example.org failed after 9.5ms"},
    ),
    (
        "msg filled in",
        "as an object",
        {"platform": "node", "message": {"formatted": "Order 31 of c@d.example failed after 1ms"}},
    ),
    (
        "msg another",
        "another message",
        {"platform": "node", "message": "Order 8812 of ada@example.com was refunded"},
    ),
    (
        "msg address",
        "an address and a path",
        {
            "platform": "go",
            "message": "dial 10.0.3.7:5432 from /var/run/shop.sock at 2026-11-21T10:03:33Z",
        },
    ),
    (
        "msg address",
        "others",
        {
            "platform": "go",
            "message": "dial [2001:db8::42]:5432 from /run/shop/a.sock at 2026-11-22T01:00:00.125+01:00",
        },
    ),
    (
        "msg status 404",
        "a status tells faults apart",
        {"platform": "node", "message": "GET https://api.example/v1/77 failed with status 404"},
    ),
    (
        "msg status 404",
        "of another address",
        {"platform": "node", "message": "GET https://api.example/v1/9?x=1 failed with status 404"},
    ),
    (
        "msg status 500",
        "another status",
        {"platform": "node", "message": "GET https://api.example/v1/9 failed with status 500"},
    ),
    (
        "msg stack",
        "a message with a stack, as Node.js sends it",
        {
            "platform": "node",
            "exception": {
                "values": [
                    {
                        "value": "order 8812 is slow",
                        "stacktrace": {"frames": [node_frame("warn", "/app/dist/log.js", 9)]},
                    }
                ]
            },
        },
    ),
    (
        "msg stack",
        "of another order",
        {
            "platform": "node",
            "exception": {
                "values": [
                    {
                        "value": "order 9 is slow",
                        "stacktrace": {"frames": [node_frame("warn", "/app/dist/log.js", 9)]},
                    }
                ]
            },
        },
    ),
    (
        "msg stack other",
        "another message through the same function",
        {
            "platform": "node",
            "exception": {
                "values": [
                    {
                        "value": "cart 9 is empty",
                        "stacktrace": {"frames": [node_frame("warn", "/app/dist/log.js", 9)]},
                    }
                ]
            },
        },
    ),
    (
        "msg thread",
        "a message with a stack, as Python sends it",
        {
            "platform": "python",
            "logentry": {"message": "order %s is slow", "params": [8812]},
            "threads": {
                "values": [{"stacktrace": {"frames": [_PLACE]}, "crashed": False, "current": True}]
            },
        },
    ),
    (
        "msg thread",
        "of another order",
        {
            "platform": "python",
            "logentry": {"message": "order %s is slow", "params": [9]},
            "threads": {
                "values": [{"stacktrace": {"frames": [_PLACE]}, "crashed": False, "current": True}]
            },
        },
    ),
    (
        "msg thread other",
        "another message from the same place",
        {
            "platform": "python",
            "logentry": {"message": "order %s is late", "params": [9]},
            "threads": {
                "values": [{"stacktrace": {"frames": [_PLACE]}, "crashed": False, "current": True}]
            },
        },
    ),
    (
        "print mail",
        "the sender's fingerprint",
        python("TimeoutError", "x", _PLACE, fingerprint=["mail"]),
    ),
    ("print mail", "from elsewhere", python("ValueError", "y", _ELSEWHERE, fingerprint=["mail"])),
    (
        "print mail 2",
        "another fingerprint",
        python("ValueError", "y", _ELSEWHERE, fingerprint=["mail", "2"]),
    ),
    (
        "print type",
        "with the type filled in",
        python("ValueError", "y", _ELSEWHERE, fingerprint=["queue", "{{ type }}"]),
    ),
    (
        "print type",
        "without spaces, from elsewhere",
        python("ValueError", "z", _PLACE, fingerprint=["queue", "{{type}}"]),
    ),
    (
        "print default",
        "the default and more",
        python("ValueError", "z", _PLACE, fingerprint=["{{ default }}", "berlin"]),
    ),
    (
        "print default",
        "a line further",
        python(
            "ValueError", "z", {**_PLACE, "lineno": 99}, fingerprint=["{{ default }}", "berlin"]
        ),
    ),
    (
        "print default paris",
        "in another town",
        python("ValueError", "z", _PLACE, fingerprint=["{{ default }}", "paris"]),
    ),
    (
        "place itself",
        "the default alone is the default",
        python("ValueError", "z", _PLACE, fingerprint=["{{ default }}"]),
    ),
    ("place itself", "no fingerprint", python("ValueError", "z", _PLACE)),
]
