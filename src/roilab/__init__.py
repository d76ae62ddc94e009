"""roilab: regions of interest in LArTPC wire-plane images, from frame files to a network in WCT."""

__version__ = "0.1.0"
