"""Promotion: the traffic ladder, the verdict of a rung, and the rollback, as pure decisions.

`weights` plans the shares of traffic, `error_process` and `shared_cause` judge failed requests one by one, `split`
tests whether the router follows the weights, `latency_blocks` compares response times of the candidate with its twin,
`rung` joins them into the verdict of one rung, and `walk` decides what to do next.
"""
