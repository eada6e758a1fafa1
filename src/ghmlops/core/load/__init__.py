"""What a load run sends: arrival processes, request order, templates, presets, allowed hosts."""
