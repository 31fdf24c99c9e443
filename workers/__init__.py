"""The processes beside the API: reactor, jobs, and the readers that jobs use."""
