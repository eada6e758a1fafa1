"""Watching production: seasonal detectors of steps, spikes and ramps, burn rates, staleness, and alerts. Pure."""
