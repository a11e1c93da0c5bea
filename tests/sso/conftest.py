from sign_in import app, world

__all__ = ["app", "world"]
