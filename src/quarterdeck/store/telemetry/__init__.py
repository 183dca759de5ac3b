"""The telemetry store: an engine that keeps and answers, and its schema as numbered SQL."""

from quarterdeck.core.settings import Settings
from quarterdeck.store.telemetry.engine import EmbeddedEngine, Engine, EngineError, Limits, Result

__all__ = ["EmbeddedEngine", "Engine", "EngineError", "Limits", "Result", "open_engine"]


def open_engine(settings: Settings) -> EmbeddedEngine:
    """The engine in the data directory, schema up to date."""
    return EmbeddedEngine(
        settings.data_dir / "telemetry",
        memory_mb=settings.engine_memory_mb,
        readers=settings.query_concurrency,
    )
