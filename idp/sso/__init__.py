"""The single sign-on session: a row, and an encrypted cookie that points to it."""
