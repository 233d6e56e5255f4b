"""Elements of which pictures of digits are composed: pens, grounds, light, clutter and the camera.

All arrays are float32 in 0..1: ink coverage (height, width), pictures (height, width, 3), light (height, width, 1).
Every random choice comes from the numpy Generator that is passed in.
"""
