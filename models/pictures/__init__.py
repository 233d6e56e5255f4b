"""The steps from any picture to 28x28, in order: decoding, ground, lines, pieces, centring. No torch here."""
