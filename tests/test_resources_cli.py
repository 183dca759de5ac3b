"""The commands apply, diff, export and schema against a running server."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from quarterdeck.resources.yamltext import load_documents
from support.server import ADMIN_KEY, Server


class Shell:
    """Runs commands in a directory, against a project of its own."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.project = f"p{uuid.uuid4().hex[:12]}"
        with server.client() as client:
            body = {"slug": self.project, "name": self.project}
            assert client.post("/api/projects", json=body).status_code in (200, 201)

    def run(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "quarterdeck", *arguments],
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env={
                **os.environ,
                "QUARTERDECK_URL": self.server.url,
                "QUARTERDECK_KEY": ADMIN_KEY,
                **environment,
            },
        )

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def search(self, name: str, query: str = "x") -> str:
        return (
            f"kind: saved-search\nname: {name}\nproject: {self.project}\n"
            f"spec:\n  title: {name}\n  signal: logs\n  query: {query}\n"
        )


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Shell:
    return Shell(server, tmp_path)


def test_diff_then_apply_then_nothing_left_to_do(shell: Shell) -> None:
    shell.write("deck.yaml", f"{shell.search('one')}---\n{shell.search('two')}")
    before = shell.run("diff", "deck.yaml")
    assert (before.returncode, before.stderr) == (1, "")
    assert "+ saved-search/one" in before.stdout
    assert 'spec.query: "x"' in before.stdout
    assert "2 to create." in before.stdout
    dry = shell.run("apply", "deck.yaml", "--dry-run")
    assert (dry.returncode, "2 to create." in dry.stdout) == (0, True)
    assert "Nothing was changed" in dry.stderr
    done = shell.run("apply", "deck.yaml")
    assert (done.returncode, "2 created." in done.stdout) == (0, True)
    after = shell.run("diff", "deck.yaml")
    assert (after.returncode, after.stdout) == (0, "No difference: 2 unchanged.\n")


def test_diff_takes_no_more_than_a_key_that_reads(shell: Shell) -> None:
    with shell.server.client() as client:
        wanted = {"name": shell.project, "kind": "secret", "role": "viewer"}
        key = client.post("/api/keys", json=wanted).raise_for_status().json()["secret"]
    head = f"kind: retention\nname: default\nproject: {shell.project}\n"
    shell.write("deck.yaml", f"{head}spec: {{logs: 3}}\n")
    told = shell.run("diff", "deck.yaml", QUARTERDECK_KEY=key)
    assert (told.returncode, told.stderr) == (1, "")
    assert "1 to create." in told.stdout
    refused = shell.run("apply", "deck.yaml", QUARTERDECK_KEY=key)
    assert (refused.returncode, "code not_permitted" in refused.stderr) == (2, True)


def test_a_change_is_shown_as_before_and_after(shell: Shell) -> None:
    shell.write("deck.yaml", shell.search("one"))
    shell.run("apply", "deck.yaml")
    shell.write("deck.yaml", shell.search("one", "refused"))
    told = shell.run("diff", "deck.yaml")
    assert told.returncode == 1
    assert '    spec.query: "x" -> "refused"' in told.stdout


def test_prune_wants_a_name_where_the_path_is_none(shell: Shell) -> None:
    refused = shell.run(
        "apply", "-", "--prune", stdin="kind: saved-search\nname: one\nspec: {signal: logs}\n"
    )
    assert refused.returncode == 2
    assert "source_needed" in refused.stderr


def test_prune_deletes_what_the_file_dropped(shell: Shell) -> None:
    shell.write("deck.yaml", f"{shell.search('one')}---\n{shell.search('two')}")
    shell.run("apply", "deck.yaml", "--source", shell.project)
    shell.write("deck.yaml", shell.search("one"))
    kept = shell.run("diff", "deck.yaml", "--source", shell.project)
    assert kept.returncode == 0
    pruned = shell.run("apply", "deck.yaml", "--prune", "--source", shell.project)
    assert "- saved-search/two" in pruned.stdout
    assert "1 deleted, 1 unchanged." in pruned.stdout


def test_a_directory_and_standard_input_are_read_too(shell: Shell) -> None:
    shell.write("deck/a.yaml", shell.search("one"))
    shell.write("deck/more/b.yml", shell.search("two"))
    shell.write("deck/readme.txt", "{{{ not yaml")
    assert "2 created." in shell.run("apply", "deck").stdout
    piped = shell.run("apply", "-", stdin=shell.search("three"))
    assert "1 created." in piped.stdout


def test_flaws_are_told_by_file_and_document(shell: Shell) -> None:
    shell.write("good.yaml", shell.search("one"))
    shell.write("bad.yaml", f"{shell.search('two')}---\nkind: saved-search\nname: Bad\n")
    told = shell.run("apply", "good.yaml", "bad.yaml")
    assert (told.returncode, told.stdout) == (2, "")
    assert "bad.yaml, document 2 (saved-search/Bad): name must be" in told.stderr
    assert "bad.yaml, document 2 (saved-search/Bad): spec" in told.stderr
    assert "documents_invalid" in told.stderr
    listed = shell.run("export", "--project", shell.project)
    assert (listed.returncode, listed.stdout) == (0, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "deck.yaml: "),
        ("a: &a [*a]", "alias"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(shell: Shell, text: str, expected: str) -> None:
    shell.write("deck.yaml", text)
    for command in ("apply", "diff"):
        told = shell.run(command, "deck.yaml")
        assert (told.returncode, told.stdout) == (2, "")
        assert expected in told.stderr
    missing = shell.run("diff", "nowhere.yaml")
    assert (missing.returncode, "nowhere.yaml" in missing.stderr) == (2, True)


def test_export_applies_again_without_a_change(shell: Shell) -> None:
    shell.write("deck.yaml", f"{shell.search('one')}---\n{shell.search('two', 'no')}")
    shell.run("apply", "deck.yaml", "--source", "deck")
    exported = shell.run("export", "--project", shell.project)
    assert exported.returncode == 0
    documents = load_documents(exported.stdout)
    assert [(d["name"], d["project"]) for d in documents] == [
        ("one", shell.project),
        ("two", shell.project),
    ]
    shell.write("again.yaml", exported.stdout)
    assert shell.run("diff", "again.yaml", "--source", "deck").returncode == 0
    other = shell.run("export", "retention", "--project", shell.project)
    assert other.stdout == ""


def test_an_export_of_nothing_applies_and_says_that_there_is_nothing_to_do(shell: Shell) -> None:
    exported = shell.run("export", "--project", shell.project)
    assert (exported.returncode, exported.stdout) == (0, "")
    for text in (exported.stdout, "# nothing\n", "---\n"):
        shell.write("nothing.yaml", text)
        applied = shell.run("apply", "nothing.yaml")
        assert (applied.returncode, applied.stdout, applied.stderr) == (0, "Nothing to do.\n", "")
        same = shell.run("diff", "nothing.yaml")
        assert (same.returncode, same.stdout) == (0, "No difference: Nothing to do.\n")
    assert shell.run("apply", "-", stdin=exported.stdout).stdout == "Nothing to do.\n"


def test_nothing_prunes_nothing(shell: Shell) -> None:
    shell.write("deck.yaml", shell.search("one"))
    shell.run("apply", "deck.yaml", "--source", shell.project)
    shell.write("deck.yaml", "")
    for command in ("apply", "diff"):
        refused = shell.run(command, "deck.yaml", "--prune", "--source", shell.project)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "documents_missing" in refused.stderr
    assert "name: one" in shell.run("export", "--project", shell.project).stdout


def test_a_directory_without_files_is_an_error(shell: Shell) -> None:
    shell.write("deck/readme.txt", "not yaml")
    told = shell.run("apply", "deck")
    assert (told.returncode, "files_missing" in told.stderr) == (2, True)


def test_an_export_does_not_differ_from_what_it_was_taken_from(shell: Shell) -> None:
    """Whatever wrote it: a file, a person, or nobody at all."""
    shell.write("deck.yaml", f"{shell.search('filed')}---\n{shell.search('seen')}")
    shell.run("apply", "deck.yaml", "--source", "deck")
    with shell.server.client() as client:
        client.headers["X-Quarterdeck-Project"] = shell.project
        for kind, name, spec in (
            ("saved-search", "typed", {"title": "Typed", "signal": "traces", "pinned": True}),
            ("retention", "default", {"logs": 3}),
        ):
            client.put(f"/api/resources/{kind}/{name}", json={"spec": spec}).raise_for_status()
    shell.write("export.yaml", shell.run("export", "--project", shell.project).stdout)
    told = shell.run("diff", "export.yaml")
    assert (told.returncode, told.stdout) == (0, "No difference: 4 unchanged.\n")
    assert "4 of them come from 'export.yaml', read-only in the UI" in told.stderr
    again = shell.run("export", "--project", shell.project)
    assert again.stdout == (shell.directory / "export.yaml").read_text()


def test_a_difference_in_an_export_is_still_one(shell: Shell) -> None:
    shell.write("deck.yaml", f"{shell.search('one')}---\n{shell.search('two')}")
    shell.run("apply", "deck.yaml", "--source", "deck")
    exported = shell.run("export", "--project", shell.project).stdout
    shell.write("export.yaml", exported.replace("query: x", "query: y", 1))
    told = shell.run("diff", "export.yaml")
    assert told.returncode == 1
    assert told.stdout.splitlines() == [
        f"~ saved-search/one  ({shell.project})",
        '    spec.query: "x" -> "y"',
        "1 to update, 1 unchanged.",
    ]


def test_schema_needs_no_server(shell: Shell) -> None:
    kinds = shell.run("schema", QUARTERDECK_URL="")
    assert kinds.returncode == 0
    assert "saved-search" in kinds.stdout
    schema = json.loads(shell.run("schema", "retention", QUARTERDECK_URL="").stdout)
    assert schema["properties"]["logs"]["anyOf"][0]["maximum"] == 3650
    asked = json.loads(shell.run("schema", "retention", "--url", shell.server.url).stdout)
    assert asked == schema
    unknown = shell.run("schema", "nonsense")
    assert (unknown.returncode, "kind_unknown" in unknown.stderr) == (2, True)


def test_trouble_with_the_server_is_told_with_what_to_do(shell: Shell) -> None:
    shell.write("deck.yaml", shell.search("one"))
    away = shell.run("diff", "deck.yaml", "--url", "http://127.0.0.1:1")
    assert (away.returncode, "server_unreachable" in away.stderr) == (2, True)
    assert "quarterdeck serve" in away.stderr
    nobody = shell.run("diff", "deck.yaml", QUARTERDECK_KEY="qd_wrong")
    assert (nobody.returncode, "--key" in nobody.stderr) == (2, True)
    assert "qd_wrong" not in nobody.stderr
    nonsense = shell.run("diff", "deck.yaml", "--url", "not an address")
    assert (nonsense.returncode, "url_invalid" in nonsense.stderr) == (2, True)


def test_what_a_terminal_would_obey_is_not_printed(shell: Shell) -> None:
    shell.write("deck.yaml", shell.search("one", '"\\e[31mred\\a"'))
    told = shell.run("diff", "deck.yaml")
    assert told.returncode == 1
    assert "\x1b" not in told.stdout
    assert "\x07" not in told.stdout
