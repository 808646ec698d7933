"""dataaudit.sketches."""
