"""The label audit, in place of the question: labels to look at again, and what was said of them."""
