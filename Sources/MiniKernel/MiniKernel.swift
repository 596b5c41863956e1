// MiniKernel
