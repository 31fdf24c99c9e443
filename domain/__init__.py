"""What may happen: one module per aggregate, pure. Imports msgspec and the standard library, nothing else."""
