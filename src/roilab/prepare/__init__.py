"""``roilab prepare``: store the images of frames in a folder for ``data=prepared``."""
