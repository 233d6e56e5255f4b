"""The exported networks in use: one digit, a line, a page. ONNX Runtime, no torch."""
