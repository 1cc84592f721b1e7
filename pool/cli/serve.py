"""`ulpool serve`."""

from __future__ import annotations

from typing import Any

import click

from pool import serving
from pool.cli import CONTEXT_SETTINGS, SettingsCommand


@click.command(
    cls=SettingsCommand,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool serve\n"
    "  ulpool serve --bind 0.0.0.0:104 --bind [::]:104 -aet ARCHIVE -od /data/incoming\n"
    "  ulpool serve --layout flat --on-duplicate reject --durability none\n"
    "  ulpool serve receiver:app --workers 4 --handler-threads 20\n"
    "  ULPOOL_WORKERS=4 ulpool serve --config /etc/ulpool.toml --log-format json\n"
    "\n"
    "A setting is looked for on the command line, then in the environment (--max-pdu as ULPOOL_MAX_PDU), then in the "
    "TOML file (as max_pdu), then on the application's AE, then in the defaults.\n"
    "\n"
    "To try it: echoscu -aec ULPOOL 127.0.0.1 11112",
)
def serve(**command_line: Any) -> int:
    """Receive and store what DICOM senders send, or have an application handle it, until stopped.

    Every association is served by one of several worker processes. Ctrl-C or ulpool stop ends it; TERM lets running
    operations finish first.
    """
    return serving.run(command_line)
