"""Program search: parts that can each be replaced."""
