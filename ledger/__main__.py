"""`python -m ledger`: the command line, by the interpreter that has the package."""

from ledger.cli.main import main

main()
