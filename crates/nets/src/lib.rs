//! Compile-time-shaped neural network layers with hand-written gradients: soft mixtures of experts over tokens, and their rivals.
