"""The one error that a recipe shows to the person who started it: a sentence with the way out, exit code 1.

Wrong options are click's own `UsageError` (exit code 2).
"""

from __future__ import annotations

import click

__all__ = ["RecipeError"]


class RecipeError(click.ClickException):
    """Something outside the program is not as it must be: a folder, an image, a file, an encoder."""
