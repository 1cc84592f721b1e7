"""The rooms of the benchmark that `scripts/bench.py` runs.

    wire        the client side of the protocol as pre-encoded bytes
    generator   sends them: processes with an epoll loop each
    peers       the servers to compare: how each is started, and what each is known not to be able to do
    accounts    what a server's processes used, read from the kernel
    measures    the ways to measure a server under that load
    clients     other clients as they come, sending and associating
    workloads   the rows of the table: what is sent, what is measured, what must be reached
    report      the result as a table for people, as Markdown and as JSON

Nothing here imports `ul` or `pool`: it is a second, independent client, and shares no mistake with them. The programs
in applications/ do; they run in processes of their own.
"""
