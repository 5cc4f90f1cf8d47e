"""A report on a project, as plain blocks, and what renders them: one HTML file, one of Markdown."""
