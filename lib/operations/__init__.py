"""Work for operators: dead letters, overdue work, log levels."""
