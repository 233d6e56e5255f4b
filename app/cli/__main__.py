"""`python -m app.cli` is `numeral`."""

from app.cli.main import main

main()
