"""The audit: rules that judge positions and sections, and the orchestrator that merges what they say. Pure."""
