"""One HTML file on how well a student measures: figures, then plots of them, then the page that holds both.

    measured.py                           scores, labels, what was done to each crop: all that figures are made of
    headline.py                           the student beside the baselines
    calibration, groups, sweep, failures  the other figures
    plots.py, plots_of_faces.py           figures -> pictures inside the page
    beside.py, agreement.py, fairness.py  figures and plots -> sections, what the page says in words
    page.py                               sections -> HTML without a reference to anything outside
    build.py                              all of it in order
"""
