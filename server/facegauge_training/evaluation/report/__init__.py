"""One HTML file on how well a student measures: figures, then plots of them, then the page that holds both.

`measured` has scores, labels and what was done to each crop, which all figures are made of. `headline` sets
the student beside the baselines; `calibration`, `groups`, `sweep` and `failures` are the other figures.
`plots` and `plots_of_faces` draw them; `beside`, `agreement` and `fairness` say in words what they show, as
sections; `page` makes of those HTML that refers to nothing outside itself; `build` does it all in order.
"""
