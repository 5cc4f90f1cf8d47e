"""What is to be seen of a session: maps, the object's values, plots, the overview."""
