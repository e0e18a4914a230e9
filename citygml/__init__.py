"""CityGML and CityJSON files -> `FeatureBatch`: streaming readers for buildings as the German Länder deliver them."""
