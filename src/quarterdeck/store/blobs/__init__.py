"""Large things kept whole: replays, source maps, build artifacts, backups, reports."""

from quarterdeck.store.blobs.blobs import BlobInfo, Blobs, check_key, open_blobs

__all__ = ["BlobInfo", "Blobs", "check_key", "open_blobs"]
