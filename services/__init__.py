"""The floor: the business functions and what serves them."""
