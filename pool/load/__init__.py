"""The load tester: what drives an SCP from many associations, and measures what comes of it.

A `Plan` says what is to be done; a `fleet` of `generator` processes does it, each on the server's own loop, connection
and session, and each tells once a second what it measured: a `Tally`. What a person sees of it is not made here.
"""
