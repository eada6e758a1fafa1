"""What a load run sends: arrival times, request order, templates, protocol presets, and the hosts it may load."""
