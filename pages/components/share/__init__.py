"""The sections of the Share page, each in a module of its own."""
