"""What a run leaves behind: one result, as a table, as JSON, as a page, and beside the run before."""
