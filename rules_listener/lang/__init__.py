"""From rule text to a checked rule set.

Read in this order: `nodes` (what the text says), `parse` (text becomes nodes), `functions` (the builtins),
`checked` (what the nodes mean), `check` (nodes become meaning, or diagnostics), `rulesets` (files become one rule set).
"""
