"""Reads the requests to send: payload files, and recordings of real arrivals."""
