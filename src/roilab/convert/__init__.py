"""``roilab convert``: write frame files in another container."""
