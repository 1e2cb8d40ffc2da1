"""The page "Search": near-duplicates and similar pictures."""
