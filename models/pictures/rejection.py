"""Why a prediction is not accepted: the words of `reason` in the API's answers."""

from typing import Literal

RejectionReason = Literal[
    "blank",  # the picture holds no ink
    "dark_on_light",  # of pixels that a client sent: the ground is bright and the ink dark; send 255 minus each
    "too_small",  # the ink shows no strokes: a speck, or a solid dot of any size
    "not_a_digit",  # the shape of the ink, or the network, speaks against every digit
    "ambiguous",  # the network hesitates between two digits
]
