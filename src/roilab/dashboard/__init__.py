"""W&B records of runs, read without an account; the workspace that shows them."""
