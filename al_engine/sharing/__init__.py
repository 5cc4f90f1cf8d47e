"""Taking work out of a project and into one; ``exchange`` knows the forms of the files."""
