"""LoRaWAN uplinks -> observations.  Empty until the sensor pipeline is built; the import rules already hold for it."""
