"""Program search: parts that can each be replaced. Importing the package itself imports none of them."""
