"""dataaudit.engine."""
