"""Forges for tests: one in memory, and a server that stands in for GitHub.

The folder is not named after GitHub's client: its tests could not import that any more.
"""
