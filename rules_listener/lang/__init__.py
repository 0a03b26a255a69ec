"""From rule text to a checked rule set.

Read in this order: `nodes` (what the text says), `literals`, `build`, `alike`, `advice` (what to do about mistakes) and
`parse` (text becomes nodes), `nesting` (how deep they may be), `functions` (the builtins), `checked` (what the nodes
mean), `scope` (which names mean something), `expressions`, `selectors`, `definitions`, `rules`, `windows`, `routing`
and `check` (nodes become meaning, or diagnostics). Then what is allowed and most likely not meant: `domain` and
`reasoning` (what can be true), `reasons`, `conditions`, `selections`, `overlaps`, `awaited`, `unreached`, `twice` and
`unused` (what is found), `allow` (what comments silence) and `lint`. Beside it stand `tokens`, `layout`, `arrange` and
`format` (rule text in its one form), `parts` (what is selected, with its places) and `changes` (what tests have to
notice).
"""
