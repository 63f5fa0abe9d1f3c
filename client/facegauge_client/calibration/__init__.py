"""Turn viewers' ratings of clips and the clips' qualities into a file that the server estimates opinions by.

ratings.py    a CSV file -> RatedClips          qualities.py  `replay --json` files -> quality by clip, model
screening.py  what may not be calibrated by     fit.py        RatedClips -> Fit (needs SciPy)
file.py       Fit -> the calibration file
"""

from facegauge_client.calibration.ratings import RatingsRefused

__all__ = ["RatingsRefused"]
