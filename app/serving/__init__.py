"""The classifier in memory: answers predictions, and changes versions without a restart."""
