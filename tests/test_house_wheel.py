"""What is shipped: a wheel that holds the built UI, the migrations and the schema."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "src" / "quarterdeck" / "http" / "static"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    assert (STATIC / "index.html").exists(), "run `make setup` first"
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.glob("quarterdeck-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_built_ui(names: set[str]) -> None:
    static = "quarterdeck/http/static/"
    assert f"{static}index.html" in names
    assert any(n.startswith(f"{static}_app/immutable/") and n.endswith(".js") for n in names)
    assert any(n.endswith((".js.br", ".js.gz")) for n in names)


def test_the_wheel_holds_what_the_stores_migrate_with(names: set[str]) -> None:
    for folder, ending in (
        ("src/quarterdeck/store/control/migrations/versions", ".py"),
        ("src/quarterdeck/store/telemetry/schema", ".sql"),
    ):
        wanted = {
            path.relative_to(ROOT / "src").as_posix() for path in (ROOT / folder).glob(f"*{ending}")
        }
        assert wanted
        assert wanted <= names


def test_the_wheel_is_typed_and_holds_no_test(names: set[str]) -> None:
    assert "quarterdeck/py.typed" in names
    assert not any(name.startswith("tests") for name in names)
