"""SHAPE: every table and export, declared once as for pandera; everything else derives from it."""
