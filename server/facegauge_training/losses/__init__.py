"""Losses of the recipes, one file each."""
