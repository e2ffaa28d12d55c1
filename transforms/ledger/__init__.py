"""The fold: events decided one after another over lots."""
