"""The exported networks, run by ONNX Runtime: one digit, a line of digits, a page of lines. No torch here."""
