"""How one request travels: HTTP/1.1, HTTP/2, gRPC, streams."""
