"""Training on the policy: courses, what was read, quizzes, signatures, and who is current (P-28). docs/training.md."""
