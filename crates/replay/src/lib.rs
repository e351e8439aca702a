//! Uniform and prioritized experience replay of single u8 frames, with n-step returns assembled on read.
