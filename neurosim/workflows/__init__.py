"""What commands do: train and deploy and verify together, sweeps, the demo."""
