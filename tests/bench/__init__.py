"""The benchmarks: `python -m tests.bench` prints the figures of the README, as ratios measured side by side in one run.

Read in this order: `figures` (medians and ratios), `supervised` (a real supervisord with one listener and one chatty
program), `throughput`, `startup`, `over_time` (the engine alone, and what it remembers), `replaying` (recordings);
`peers/` holds the listeners that ours is compared with.
"""
