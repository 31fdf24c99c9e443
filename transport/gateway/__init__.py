"""The live door: WebSocket, event stream and long poll over one hub, which follows feeds and forwards their frames."""
