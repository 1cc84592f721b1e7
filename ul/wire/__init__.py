"""The wire: bytes to objects and back. No state, no time, no sockets."""
