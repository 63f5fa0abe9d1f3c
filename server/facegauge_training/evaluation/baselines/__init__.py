"""What a student has to beat: measures that anyone can run on a face crop today, one file each.

A baseline takes crops and gives one number a crop, the better the higher: where the measure itself counts
defects, its number is negated and nothing else is done to it. What a number is worth is for `report` to say.
"""
