"""`python -m transport` is `plumbline`."""

from transport.cli import main

main()
