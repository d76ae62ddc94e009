"""Measure memory and time of networks in WCT's node, and the effect of channel chunks.

This file imports nothing, so that measured processes load only what they need.
"""
