"""What a trial runs in, and the runtimes that start, find and kill attempts."""
