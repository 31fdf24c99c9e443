"""`python -m transport` is `plumbline`."""

from transport.terminal.cli import main

main()
