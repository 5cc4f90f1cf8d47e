"""What happens between an answer and the next question: rounds, models, scores, and their files.

``session`` conducts it.
"""
