"""Typed functions of the language, one module for each concept; importing this package registers them."""
