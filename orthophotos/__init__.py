"""DOP over DGM -> ground patches.  Empty until the ground pipeline is built; the import rules already hold for it."""
