"""The demo: synthetic filings, accounts and the processes of a whole running hub on one machine."""
