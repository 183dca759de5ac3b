"""No file grows beyond 400 lines; those that already have may only shrink.

`scripts/file_sizes.txt` lists the exceptions as `LINES PATH`. An exception that has
become smaller must be lowered, one that is no longer needed must go.
"""

import subprocess
import sys
from pathlib import Path

LIMIT = 400
GENERATED = {"ui/src/lib/api/schema.d.ts"}
KINDS = {".py", ".ts", ".svelte", ".css", ".sql", ".sh", ".js"}
ROOT = Path(__file__).parent.parent
ALLOWANCES = Path(__file__).with_suffix(".txt")


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    sizes = {
        name: len((ROOT / name).read_bytes().splitlines())
        for name in listed.stdout.splitlines()
        if name not in GENERATED and Path(name).suffix in KINDS and (ROOT / name).is_file()
    }
    allowed = {
        name: int(lines)
        for lines, name in (line.split(maxsplit=1) for line in ALLOWANCES.read_text().splitlines())
    }
    problems = [
        f"{name}: {lines} lines, at most {allowed.get(name, LIMIT)} are allowed; split it."
        for name, lines in sorted(sizes.items())
        if lines > allowed.get(name, LIMIT)
    ]
    for name, lines in sorted(allowed.items()):
        now = sizes.get(name, 0)
        if now <= LIMIT:
            problems.append(f"{name}: needs no allowance any more; remove its line.")
        elif now < lines:
            problems.append(f"{name}: has shrunk to {now}; lower its allowance.")
    print("\n".join(problems) or f"{len(sizes)} files, none beyond its limit")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
