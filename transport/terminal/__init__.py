"""The command line: the stack that it starts, `plumbline check`, and the demonstration."""
