"""Follow-on procedures (手続): which a move brings, for whom, where and by when; rules are data (``data/*.csv``)."""
