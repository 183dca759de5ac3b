"""Recording rules: expressions worked out on a clock, whose results are series of their own."""
