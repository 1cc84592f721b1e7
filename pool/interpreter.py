"""Fresh interpreters that run a module of ours: workers, and whoever looks at an application for the acceptor.

The folder that the server was started in must not be on their path: a stray `pool.py` in it would run instead of ours.
`python -m` puts it there and `-P` came with 3.11. Our own folder goes last, for a checkout that is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

OUR_FOLDER: Final = str(Path(__file__).resolve().parent.parent)


def code(module: str) -> str:
    """What `python -c` needs to be `module`'s main; its first argument is OUR_FOLDER."""
    return (
        "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv.pop(1)]; "
        f"from {module} import main; sys.exit(main())"
    )


def command(module: str, *arguments: str) -> list[str]:
    """The command line of a fresh interpreter that is `module`'s main."""
    return [sys.executable, "-c", code(module), OUR_FOLDER, *arguments]
