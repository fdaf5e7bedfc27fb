"""The database: the only truth about what was decided and what happened."""
