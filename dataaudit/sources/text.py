"""Plain text: every line that is not blank is a document. The lines are those of delimited text without delimiter."""

from dataaudit.sources.csv import plan, read

__all__ = ["plan", "read"]
