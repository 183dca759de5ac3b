"""Benchmarks: each file measures one thing and returns figures; docs/benchmarks.md explains them.

`python -m bench` runs them all. They start the real server and use the tests' means to do so.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # support.server, support.load, support.usage
