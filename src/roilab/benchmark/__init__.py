"""What networks cost inside WCT's node, and what their chunks change.

Nothing is imported here: the processes that are measured load what they need and no more.
"""
