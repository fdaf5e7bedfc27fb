"""The only code that starts and stops attempts: makes what runs equal what the ledger wants."""
