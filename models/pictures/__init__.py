"""From any picture to 28x28 as MNIST has it, and from a page to images of its lines. No torch here.

One digit: decoding, background, digit_selection (with ruling), centring; normalisation runs these steps. A page:
decoding, layout, line_image; then ink_assignment, once the lines are read.
"""
