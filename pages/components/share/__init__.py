"""The sections of the Share page, each drawn by a module of its own."""
