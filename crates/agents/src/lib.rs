//! Value-based agents (Rainbow) over any learner, with training, evaluation, checkpoints and resume.
