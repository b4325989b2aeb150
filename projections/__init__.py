"""What follows from the ledger: everything a person or a bot reads is a fold over its events.

Here will live, with the issue on views:

- bars: ticks of one feed put into `ring[b % R]`, time as the address, so a late tick goes into its
  bar and the same walk runs again from that segment's kept state;
- feature views: a named, versioned set of features over bars of one rule, and the tape it folds;
- the fold itself, pure and total, one code path for live, rebuild, as-of, audit and recovery;
- the worker around it (Faust delivers, `on_frame(partition, offset, bytes)` decides), the
  projection topics that bots follow, history, training sets, lineage, the server and web page.

This package may import `ledger` and `indicators`; neither imports it, except the composition roots
(the command line, the worker, the server, and `ledger/client.py` inside its methods).
"""
