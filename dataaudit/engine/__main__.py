"""`python -m dataaudit.engine`: a worker process (see `worker`)."""

from __future__ import annotations

from dataaudit.records.garbage import collect_seldom

if __name__ == "__main__":
    collect_seldom()  # before libraries are imported, which is most of what a worker does at first
    from dataaudit.engine.worker import main

    main()
