"""From any picture to 28x28 as MNIST has it, and from a page to images of its lines. No torch here.

One digit: decoding, view, eye, digit_selection, strength, centring; normalisation runs these steps. A page: decoding,
layout, text_lines, line_image; then ink_assignment, once the lines are read.
"""
