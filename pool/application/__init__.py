"""What a user's program brings, and how its handlers are run in a worker: events, threads, the association they see."""
