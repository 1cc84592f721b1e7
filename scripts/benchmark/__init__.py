"""The rooms of the benchmark that `scripts/bench.py` runs.

    peers       the servers to compare: how each is started, and what each is known not to be able to do
    accounts    what a server's processes used, read from the kernel
    load        the load tester, `pool.load`, at one server, with the server's accounts read around it
    instances   files to send, of the load tester's making
    measures    the ways to measure a server under that load
    clients     other clients as they come, sending and associating
    workloads   the rows of the table: what is sent, what is measured, what must be reached
    results     what was measured, as tables of cells that say what they are
    report      those tables for people, as Markdown and as JSON
    page        and as one HTML page

The programs in applications/ are what is compared where a row is about a library; they run in processes of their own.
"""
