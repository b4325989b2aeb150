"""What happened: events, frames, positions and cuts, append, control, archive, engines, client."""
