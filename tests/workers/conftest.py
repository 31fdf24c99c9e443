from tests.acting import open_write_side, write

__all__ = ["open_write_side", "write"]
