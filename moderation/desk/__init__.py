"""The desk: the shell around the review machine. So far: how cards are kept in the database."""
