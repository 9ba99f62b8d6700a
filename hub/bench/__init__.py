"""The benchmark: the product beside the code one would write without it; nothing here is imported in production."""
