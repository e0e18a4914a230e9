"""CityGML files -> `FeatureBatch`: a streaming reader for buildings as the German Länder deliver them."""
