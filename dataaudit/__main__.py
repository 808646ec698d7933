"""`python -m dataaudit`."""

from __future__ import annotations

from dataaudit.cli.main import run

if __name__ == "__main__":
    run()
