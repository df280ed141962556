"""Pages of training: what is mine, courses, quizzes, signatures, certificates, everybody's."""
