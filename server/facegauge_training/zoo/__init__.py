"""What `python -m facegauge_training.train` is made of: recipes, pictures with scores, and the loop.

Read `recipe.py` (what a recipe says), `recipes.py` (what the fourteen say), then `run.py` (the loop).
"""
