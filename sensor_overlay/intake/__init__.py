"""Takes uplinks in, over MQTT and webhooks: stored first, acknowledged then."""
