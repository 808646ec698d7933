"""dataaudit.sources."""
