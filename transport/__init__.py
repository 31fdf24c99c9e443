"""The doors: REST, WebSocket, command line. They translate and hold no rule."""
