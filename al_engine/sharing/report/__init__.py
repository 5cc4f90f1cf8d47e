"""A report on a project: gathered, put into words, and written as HTML and as Markdown."""
