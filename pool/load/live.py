"""A run while it lasts: a view that is drawn anew each second on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pool import showing
from pool.load.figures import Figures
from pool.load.plan import Plan
from pool.load.tally import Interval

SPARKS: Final = " ▁▂▃▄▅▆▇█"
PAST: Final = 60  # intervals in the small curve of the rate
LINES_OF_A_RUN: Final = 60  # where lines are printed, a long run does not print more than about so many
SHOWN: Final = ("p50", "p99", "max")


class Progress:
    """How far a run has come, from its intervals."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seconds = 0.0
        self.answered = 0
        self.attempts = 0
        self.errors = 0
        self.rates: deque[float] = deque(maxlen=PAST)

    def add(self, interval: Interval) -> Figures:
        """Take an interval into account; its figures."""
        figures = Figures.of(interval.tally, interval.end - interval.start)
        self.seconds = interval.end
        self.answered += figures.count("messages_ok")
        self.attempts += figures.attempts
        self.errors += figures.count("errors")
        self.rates.append(figures.rate(figures.times(figures.main_phase)))
        return figures

    @property
    def part(self) -> float:
        """Of the whole, from 0 to 1: by time or by count, whichever is further."""
        by_time = self.seconds / self.plan.seconds if self.plan.seconds else 0.0
        by_count = self.answered / self.plan.count if self.plan.count else 0.0
        return min(max(by_time, by_count), 1.0)

    @property
    def curve(self) -> str:
        """The rates of the last minute, a character each."""
        highest = max(self.rates, default=0.0) or 1.0
        return "".join(SPARKS[round(rate / highest * (len(SPARKS) - 1))] for rate in self.rates)


class View:
    """What is shown of each interval. A context: what it drew is gone at its end, what it printed stays."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._progress = Progress(plan)
        self._live = None if not console.is_terminal else Live(console=console, auto_refresh=False, transient=True)
        self._seconds_between_lines = max((plan.seconds or 0.0) / LINES_OF_A_RUN, 0.5)
        self._last_line = -self._seconds_between_lines

    def __enter__(self) -> View:
        if self._live and not self._console.quiet:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, interval: Interval) -> None:
        figures = self._progress.add(interval)
        if self._console.quiet:
            return
        if self._live:
            self._live.update(self._drawn(interval, figures), refresh=True)
        elif interval.end - self._last_line >= self._seconds_between_lines:
            self._last_line = interval.end
            self._console.print(self._line(interval, figures))

    def _line(self, interval: Interval, figures: Figures) -> Text:
        phase = figures.main_phase
        latencies = figures.latencies(phase)
        times = [f"{name} {showing.latency(latencies.metric(name))}" for name in SHOWN] if latencies else []
        rate = showing.per_second(figures.rate(figures.times(phase)))
        errors = f"{showing.number(figures.count('errors'))} errors"
        return Text(
            f"{interval.end:6.1f} s  {phase} {', '.join([rate, *times])}; {errors}; {interval.active:,} associations"
        )

    def _drawn(self, interval: Interval, figures: Figures) -> RenderableType:
        progress = self._progress
        bar = Table.grid(padding=(0, 2))
        bar.add_row(
            ProgressBar(total=1.0, completed=progress.part, width=40),
            f"{progress.part:.0%}",
            showing.time(progress.seconds),
        )
        return Group(bar, self._numbers(interval, figures), Text(progress.curve, style="cyan"))

    def _numbers(self, interval: Interval, figures: Figures) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("", "per second", *SHOWN, "errors", "associations", "generator"):
            table.add_column(name, justify="right" if name else "left", no_wrap=True, min_width=9)
        phase = figures.main_phase
        latencies = figures.latencies(phase)
        times = (showing.latency(latencies.metric(name)) if latencies else showing.NOTHING for name in SHOWN)
        all_errors = self._progress.errors
        words = f"{showing.number(all_errors)} ({showing.share(all_errors, self._progress.attempts)})"
        errors = Text(words, style="bold red" if all_errors else "")
        rate = showing.per_second(figures.rate(figures.times(phase)))
        busiest = f"{max(interval.cpu, default=0.0):.0%}"
        table.add_row(phase, rate, *times, errors, f"{interval.active:,}", busiest)
        return table
