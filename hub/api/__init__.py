"""The API: what municipal systems and partner fronts call. Records are in GIF's camelCase, the envelopes
around them in snake_case, as OAuth and RFC 9457 have it."""
