"""Convolutional networks on Compositional MNIST.

digits: the images. convolution, networks: the networks, all runs stacked. training: their training.
experiments: the named profiles of the chapters and their records.
transfer: how much of a step carries over to new images.
"""
