"""What the command line and Python callers both use: `scan`, and `clean` with `verify`."""
