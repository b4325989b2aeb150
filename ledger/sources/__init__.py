"""Readers: one file per format, and what they share.

A reader turns whole lines into drafts (`ledger.drafts`); it knows nothing of instruments' ids, of
the archive or of what was loaded before.
"""
