"""dataaudit.report."""
