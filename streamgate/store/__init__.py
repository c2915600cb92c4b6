"""The database of accounts, rights and reviews: for console, comments, command line; never for the gate."""
