"""Protection measures (支援措置, D 1.12): set and ended by municipalities alone, opened by two entrusted clerks."""
