"""Lightning callbacks: checks, pictures and export during a training."""
