"""WHAT: the rules as SQL, one file per published table, and the small machine that runs them."""
