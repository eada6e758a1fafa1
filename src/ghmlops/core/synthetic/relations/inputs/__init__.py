"""Relations about inputs at and beyond the limits of what is legal."""
