"""The People page: who answered, how far they agree, and what is to be settled."""
