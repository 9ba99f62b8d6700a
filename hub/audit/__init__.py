"""The audit: who did and saw what, append-only and hash-chained, one chain per relocation."""
