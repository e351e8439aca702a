//! Game environments with u8 observations: MinAtar, equal to the Python package step for step.
