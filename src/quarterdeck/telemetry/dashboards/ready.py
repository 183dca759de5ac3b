"""The dashboards that ship with the server: files beside this one, in the form that `apply` takes.

They are in no store. A project that has a dashboard of the same name sees its own instead.
"""

from functools import cache
from importlib.resources import files

from quarterdeck.resources.yamltext import load_documents
from quarterdeck.telemetry.dashboards.spec import DashboardSpec


@cache
def shipped() -> dict[str, DashboardSpec]:
    """By name, in the order in which they are listed."""
    found = {}
    for file in sorted(files(__package__).joinpath("shipped").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            (document,) = load_documents(file.read_text("utf-8"))
            found[document["name"]] = DashboardSpec.model_validate(document["spec"])
    return found
