//! Scores to interquartile means, bootstrap intervals, figures and verdicts; and the worker that trains one run.
