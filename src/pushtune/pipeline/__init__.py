"""START READING HERE: the stages of a push, as one list."""
