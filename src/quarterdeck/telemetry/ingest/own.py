"""Telemetry that the server makes itself, kept by the same path as everybody's."""

from google.protobuf.message import Message

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS
from quarterdeck.telemetry.ingest.outcome import Outcome

_BY_NAME = {signal.name: signal for signal in SIGNALS}


async def keep_own(intake: Intake, project: ProjectRef, signal: str, message: Message) -> Outcome:
    """Keep an OTLP export request; returns once its rows are durable, Refused when they cannot be."""
    request = inspect(_BY_NAME[signal], message, message.SerializeToString())
    return await intake.keep(signal, project, request)
