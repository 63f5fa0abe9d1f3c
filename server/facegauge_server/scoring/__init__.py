"""Batching of crops for engines that gain from it."""
