"""Synthetic exports of every declared kind, as an operator's landing folder would hold them.

Nothing here is anybody's: names, numbers and addresses are made up. The same arguments give the
same files; `truth.json` beside them says what ingest must make of every row.
"""

from transforms.sample.generate import generate

__all__ = ["generate"]
