"""A pull request from its commits to its verdict, and from there to labels, one comment, a status and the queue.

Heads are read as git objects. Nothing is checked out, nothing of a pull request is run, and what this program wrote
before (labels, comments, statuses) is never an input.
"""
