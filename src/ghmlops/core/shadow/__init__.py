"""Shadow mode: the same recorded requests to baseline, twin and candidate; what is sent, compared and judged."""
