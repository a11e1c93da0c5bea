"""People: who they are, how they sign in, what they are called towards others."""
