"""Backup and restore of Quarterdeck's own state."""

from quarterdeck.store.backup.archive import Manifest
from quarterdeck.store.backup.restore import restore, verify
from quarterdeck.store.backup.take import Snapshot, snapshot_at_rest, snapshot_live
from quarterdeck.store.backup.telemetry import telemetry_snapshot

__all__ = [
    "Manifest",
    "Snapshot",
    "restore",
    "snapshot_at_rest",
    "snapshot_live",
    "telemetry_snapshot",
    "verify",
]
