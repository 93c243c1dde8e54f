"""The console without its HTML: sessions, and what its pages say, in words and in numbers."""
