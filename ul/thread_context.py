"""The context variables (`contextvars`) of the threads of the blocking API.

Belongs here: which ones a new thread begins with. Not here: what it does.
"""

from __future__ import annotations

from contextvars import Context, copy_context

from ul import _config


def thread_context() -> Context:
    """Those of the present thread where `_config.PASS_CONTEXTVARS` says so, otherwise none."""
    return copy_context() if _config.PASS_CONTEXTVARS else Context()
