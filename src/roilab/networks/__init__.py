"""List the reference networks, and store a run as one."""
