"""Protection measures (支援措置): set and ended by municipalities alone, opened by two entrusted clerks."""
