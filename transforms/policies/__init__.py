"""YAML policies as dated relations, and the dates that follow from them."""
