"""EMA-VFI (Zhang et al., CVPR 2023): frame interpolation at any time between two frames."""
