"""The line reader: a network that spells out a line of digits without being told where one ends.

The service loads `reader` alone, which has no torch; the rest makes the file that it loads (`make reader`): `writing`
the lines to learn from, `network`, and `training`.
"""
