"""What the line reader is shown and says, in numbers."""

HEIGHT = 32  # pixels of a strip; its digits are 20 tall and stand in the middle
STRIDE = 2  # pixels of the strip for one column of scores
BLANK = 10  # the class of a column that names no digit
