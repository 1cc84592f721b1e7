"""A worker's process: the associations it was handed, on one loop. `process` puts it together."""
