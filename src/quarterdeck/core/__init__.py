"""What every floor above may use and what imports nothing of ours: settings, clock, ids, errors, permissions, routes."""
