"""What the tables of a standard say to others: descriptions, schemas, a page to print, what it cannot carry."""
