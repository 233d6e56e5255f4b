"""Many small networks trained at once, one per learning rate, and what became of each."""
