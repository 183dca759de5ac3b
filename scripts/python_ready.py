"""Say clearly what is missing before a virtual environment is made."""

import importlib.util
import sys

if sys.version_info < (3, 11):  # noqa: UP036, whichever python3 is there runs this
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"Quarterdeck needs Python 3.11 or newer; {sys.executable} is {version}.")
if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
    sys.exit(
        "This Python cannot make virtual environments. On Debian: apt-get install python3-venv"
    )
