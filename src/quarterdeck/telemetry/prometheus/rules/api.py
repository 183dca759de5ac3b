"""`/prometheus/api/v1/rules`: recording rules, and how they fare."""

from typing import Any

from fastapi import Request, Response

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.errors_prometheus import PREFIX
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.telemetry.prometheus.answer import envelope
from quarterdeck.telemetry.prometheus.api import failure
from quarterdeck.telemetry.prometheus.params import Form, form_of, invalid
from quarterdeck.telemetry.prometheus.rules.engine import GroupState, RecordingRules
from quarterdeck.telemetry.prometheus.status import iso


def rules_router(rules: RecordingRules) -> Router:
    router = Router(PREFIX, tag="prometheus")

    @router.get("/rules", permission=Permission.READ, response_model=None)
    async def list_rules(request: Request, scope: ScopeDep) -> Response:
        """Groups of recording rules: expressions, health, last evaluation, and how many were missed."""
        try:
            data = shown(rules, scope.project.id, await form_of(request))
        except QuarterdeckError as error:
            return failure(error)
        return Response(envelope(data), media_type="application/json")

    return router


def shown(rules: RecordingRules, project: int, form: Form) -> dict[str, Any]:
    kind = form.text("type").lower()
    if kind not in ("", "alert", "record"):
        raise invalid("type", f'not supported value "{kind}"')
    groups, files, names = (form.all(f"{each}[]") for each in ("rule_group", "file", "rule_name"))
    found = []
    for group in rules.groups(project) if kind != "alert" else ():
        if (groups and group.spec.name not in groups) or (files and group.resource not in files):
            continue
        one = _group(group, names)
        if one["rules"] or not names:
            found.append(one)
    return {"groups": found}


def _group(group: GroupState, names: list[str]) -> dict[str, Any]:
    rules = []
    for index, rule in enumerate(group.spec.rules):
        state = group.state(index)
        if names and rule.record not in names:
            continue
        rules.append(
            {
                "name": rule.record,
                "query": rule.expr,
                "labels": {**group.spec.labels, **rule.labels},
                "health": state.health,
                **({"lastError": state.error} if state.error else {}),
                "evaluationTime": state.seconds,
                "lastEvaluation": iso(state.at),
                "type": "recording",
            }
        )
    return {
        "name": group.spec.name,
        "file": group.resource,
        "rules": rules,
        "interval": group.spec.interval_ms / 1000,
        "limit": group.spec.limit,
        "evaluationTime": group.seconds,
        "lastEvaluation": iso(group.at),
        "missed": group.missed,  # ours: evaluations that were due and left out
    }
