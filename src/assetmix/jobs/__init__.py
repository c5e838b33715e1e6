"""The way to the workers: the doorbell in Redis, and the solver process that each worker child keeps."""
