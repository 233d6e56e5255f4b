"""The data sets that need no upload. models/training/data.py loads them."""

BUILT_IN = {
    "mnist": "60,000 training and 10,000 test pictures of handwritten digits; the only one whose versions can become "
    "champion",
    "optdigits": "1,797 digits of 8x8 pixels, of scikit-learn; nothing is downloaded",
    "fashion-mnist": "70,000 pictures of ten kinds of clothes, in MNIST's form",
    "kmnist": "70,000 handwritten Japanese characters of ten kinds, in MNIST's form",
}
FEEDBACK = "feedback"  # filled by POST /v1/predictions/feedback
NOT_DIGITS = ("fashion-mnist", "kmnist")  # whose ten classes are no digits
NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
