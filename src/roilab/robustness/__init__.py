"""Robustness: how much do charge and inefficiency change where the detector is not as assumed?"""
