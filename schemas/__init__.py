"""SHAPE: every table and export, declared once in pandera; everything else derives from it."""
