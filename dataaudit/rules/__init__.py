"""dataaudit.rules."""
