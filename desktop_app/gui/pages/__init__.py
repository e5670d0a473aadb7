"""One page of the window per noun."""
