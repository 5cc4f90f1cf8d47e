"""The curated test set: what is searched, which object is shown, and what was answered."""
