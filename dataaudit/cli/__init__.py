"""dataaudit.cli."""
