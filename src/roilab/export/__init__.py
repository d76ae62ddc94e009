"""Export a trained network to the files that WCT's node DNNROIFinding loads."""
