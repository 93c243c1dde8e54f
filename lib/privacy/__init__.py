"""Privacy: export and erasure of what is held about an address, and retention."""
