"""The command line: one file for each verb, joined in `cli`.

`run` is the listener, and is reached without `cli`; all the others are for people.
"""
