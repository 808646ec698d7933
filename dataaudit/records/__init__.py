"""dataaudit.records."""
