"""The format of the line reader's input and output."""

HEIGHT = 32  # pixels of a line image; its digits are 20 tall and vertically centred
STRIDE = 2  # pixels of the line image for one column of scores
BLANK = 10  # the class of a column that names no digit
