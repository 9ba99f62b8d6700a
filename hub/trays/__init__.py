"""The door of towns that exchange files: what they lay into their answer trays becomes receipts and reports."""
