"""Record creation rules: which received mail makes a task, a case or a record."""
