"""Alert rules: what people state, how it is checked, and what it becomes for the kernels."""
