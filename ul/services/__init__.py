"""What an operation does, written once for every shell.

A service is a generator. It yields what it needs - the data set to arrive, a call that may block, a response to send -
and is sent what came of it. It does no I/O of its own, starts no thread and reads no clock; `ul.services.performance`
runs it, `ul.services.registry` says which command it answers.
"""
