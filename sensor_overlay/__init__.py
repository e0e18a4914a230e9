"""Live LoRaWAN sensors: uplinks in, observations kept, alerts raised, changes told."""
