"""The read side: pure folds of the log into tables, the runner that keeps them, and the queries over them."""
