"""What a user's program brings, and what its handlers meet in a worker: their threads, the association they see."""
