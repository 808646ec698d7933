"""dataaudit.export."""
