"""A project's folder: made, opened once in a process, and what learners see of it as arrays."""
