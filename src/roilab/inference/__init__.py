"""Inference: open a network's file, read a plane, find ROIs."""
