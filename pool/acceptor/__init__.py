"""The acceptor's process: it listens, admits, hands connections over, and keeps the workers. `server` puts it together.

It can be taken down neither by a peer's bytes nor by user code: nothing here loads the protocol, a handler or pydicom.
"""
