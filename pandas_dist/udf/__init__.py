"""Python functions over rows and elements: which are pure, and running those on every core."""
