"""Answers predictions from networks in memory, and changes versions without a restart."""
