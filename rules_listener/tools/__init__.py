"""The command line: one file for each verb, joined in `cli`.

`run` and `record` are listeners, and are reached without `cli`; all the others are for people.
"""
