"""The compiled primitives and the one kernel that folds every tape. Importing it imports numba.

Only `indicators.fold` imports this package, at the first fold: numba costs a second to import.
"""
