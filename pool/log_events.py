"""The events of the log: one row per name. A name never changes its meaning; programs look for it.

A line of the log that is about an association has its number as `association`, whatever else it says.
"""

from __future__ import annotations

from typing import Final

# fmt: off
EVENTS: Final = {
    "server.ready":           "Every worker is; also at higher levels than info.",
    "server.draining":        "Nobody is let in any more; operations finish.",
    "server.drained":         "The last association of a drain is over.",
    "server.stopping":        "The end has begun; with `now` by aborting: asked for, or --graceful-timeout is over.",
    "server.progress":        "What a stop still waits for.",
    "server.stopped":         "The end, in order.",
    "server.failed":          "No worker could start.",
    "server.reloading":       "Settings and application are read again.",
    "server.reloaded":        "Workers with the new settings serve; `changed` names the settings.",
    "server.not_reloaded":    "They cannot be had; the old ones still serve.",
    "server.restart_wanted":  "Settings that a reload cannot change were changed.",
    "server.scaled":          "There are to be more or fewer workers.",
    "server.not_scaled":      "There cannot be that many.",
    "server.descriptors":     "The hard limit is below what the limits on connections may need.",
    "metrics.ready":          "Where metrics and probes are served.",
    "metrics.parked":         "No descriptor was free for a scrape.",
    "worker.started":         "A process, not ready yet.",
    "worker.ready":           "It can be handed connections; at info where it replaces another.",
    "worker.not_started":     "No process or descriptor was to be had; tried again.",
    "worker.failed":          "A worker could not begin, and why.",
    "worker.exited":          "A worker ended, and how.",
    "worker.crash_loop":      "Workers die soon after they start: the next one comes later.",
    "worker.recycled":        "It has served enough, or has grown: another takes its place.",
    "worker.stuck":           "Its loop did not answer for --timeout, or it did not become ready; it is killed.",
    "worker.killed":          "It did not leave in its time.",
    "worker.full":            "Its descriptor table is full; it gets no connection until one closes.",
    "listener.parked":        "Nothing is accepted for now, and why.",
    "listener.accept_failed": "One connection could not be accepted.",
    "space.short":            "The output directory has less free space than --min-free.",
    "space.enough":           "It has enough again.",
    "space.unknown":          "The system does not tell how much there is.",
    "association.closed":     "The end of an association, or of a request for one that was rejected.",
    "association.fault":      "A connection could not be taken on: a fault of ours.",
    "connection.closed":      "The end of a connection that did not ask for an association.",
    "operation.failed":       "A request was answered with neither Success nor Pending.",
    "operation.fault":        "A service raised what it should not: a fault of ours.",
    "handler.failed":         "A handler raised an exception.",
    "handler.fault":          "Calling a handler failed otherwise.",
    "handoff.unknown_token":  "A worker spoke of a connection that it does not have: a fault of ours.",
    "loop.callback_failed":   "An exception reached the loop: a fault of ours.",
    "control.refused":        "Something that may not talk to the server, or talks nonsense, tried.",
    "control.ignored":        "A message of a worker that nobody knows.",
    "application":            "What the application says with `logging`.",
    "library":                "What a library says with `logging`, or a warning.",
    "log.dropped":            "So many lines are missing here: nobody read the log in time.",
    "log.not_reopened":       "The log file cannot be opened again; the old one is gone on with.",
}
# fmt: on
