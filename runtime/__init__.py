"""What any process needs to start: settings, pools, broker, telemetry, embedded servers. Knows no other room."""
