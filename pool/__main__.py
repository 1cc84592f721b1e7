"""`python -m pool` is `ulpool`."""

from __future__ import annotations

import sys

from pool.cli import main

if __name__ == "__main__":
    sys.exit(main())
