"""Events of many languages as their SDKs send them, each with the group it belongs to.

A case is `(group, what differs, event)`: cases of one group must be grouped together, cases of
different groups must not be. Every language has a module that says its cases in few words; the
functions of `shapes.py` make of them what the SDK of the language sends.
"""

from typing import Any

from errors.corpus import browser, chains, dynamic, managed, messages, mobile, node, systems

Case = tuple[str, str, dict[str, Any]]

CASES: list[Case] = [
    *dynamic.CASES,
    *browser.CASES,
    *node.CASES,
    *managed.CASES,
    *systems.CASES,
    *mobile.CASES,
    *chains.CASES,
    *messages.CASES,
]
