"""Answers of two services side by side: changed answers of `shadow`, violated relations of `synthetic`."""
