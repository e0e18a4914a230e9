%PDF-1.7
not XML at all
