"""Subnetworks: which weights a function needs.

sparsification: the search. convolutional, linear: subnetworks of the two kinds of networks. planted, readouts:
networks whose parts are known. overlap, correlation: how much two subnetworks share. experiments: the records.
"""
