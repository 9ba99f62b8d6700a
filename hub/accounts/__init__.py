"""Accounts: who signs in (citizens, clerks, operators) and which machine client belongs to which town."""
