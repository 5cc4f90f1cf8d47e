"""What people do with a project beside answering the next question.

The curated test set, notes, labels edited, answers corrected, disagreements settled, tables joined.
"""
