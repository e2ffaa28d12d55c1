"""From what operators drop into landing to staged rows and quarantine."""
