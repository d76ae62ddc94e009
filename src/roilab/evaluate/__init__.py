"""Evaluation on tracks and showers of known angle: charge metrics beside classical ROIs."""
