"""One file a specification; each ends in a declaration named `extension`."""
