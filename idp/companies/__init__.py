"""Companies, their members and policies."""
