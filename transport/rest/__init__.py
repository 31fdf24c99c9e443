"""The request door: commands, queries, uploads, downloads and log-in over HTTP, and their OpenAPI document."""
