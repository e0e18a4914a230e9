"""The quarter as a laser scanner sees it from an aircraft: flight lines, pulses, their returns, and NRW's LAZ files."""
