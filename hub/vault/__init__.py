"""The vault: personal fields are encrypted with a key per relocation; deleting the key shreds the filing."""
