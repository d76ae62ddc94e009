"""Robustness: how much do bias and inefficiency change where the detector is not as assumed?"""
