"""The benchmarks: `python -m tests.bench` prints the figures of the README, as ratios measured side by side in one run.

Read in this order: `figures` (medians and ratios), `throughput` (a real supervisord with one listener and one chatty
program, which `workload` describes), `startup`, `over_time` (the engine alone, and what it remembers), `replaying`
(recordings); `workloads` (as data, those of the figures about many rules), `rules`, `contestants` (others who can
match), `matching`, `loading`, `hostile`; `plot`, `report` (README, JSON) and `__main__`. `peers/` holds the listeners
that ours is compared with.
"""
