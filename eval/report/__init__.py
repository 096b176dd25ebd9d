"""The report of a run: a self-contained page, and a table for spreadsheets."""
