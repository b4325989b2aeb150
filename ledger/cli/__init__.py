"""The `fledger` command: one file per family of verbs, imported when its verb is called."""
