"""Work that happens by itself: sweeping what expired, rotating keys, delivering messages."""
