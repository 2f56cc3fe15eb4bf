"""The publisher's side of trust: what a tree is signed with, and whether a published one verifies."""
