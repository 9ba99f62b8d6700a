"""Citizens: sign in, file a move once, see where it stands with each town."""
