"""Other programs and servers: the only part of the engine that opens connections."""
