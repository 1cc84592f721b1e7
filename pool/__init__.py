"""The server and the load tester."""
