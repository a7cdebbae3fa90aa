"""The plan of every SQL statement on a long history, and the rows that each statement reads."""
